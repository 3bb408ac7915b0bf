package monitor_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/chronoretrace/chronomon/monitor"
)

func ExampleMonitor_Backup() {
	silences := &vault{name: "silences", value: "maintenance until 6:00"}
	m, err := monitor.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := m.AddSnapshotter(silences); err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if _, err := m.Backup(context.Background(), &file); err != nil {
		fmt.Println(err)
		return
	}
	silences.value = ""
	archive, err := m.Restore(context.Background(), &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range archive.Parts {
		fmt.Println(p.Name, p.Bytes, p.Fate)
	}
	fmt.Println(silences.value)
	// Output:
	// silences 22 restored
	// maintenance until 6:00
}
