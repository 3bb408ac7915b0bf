package host_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/monitor/host"
)

// procLines reads a file of /proc, as fields.
func procLines(t *testing.T, name string) (out [][]string) {
	t.Helper()
	data, err := os.ReadFile("/proc/" + name)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		out = append(out, strings.Fields(line))
	}
	return out
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// procCPU reads the machine's jiffies, in seconds, by cpu and mode.
func procCPU(t *testing.T) map[[2]string]float64 {
	t.Helper()
	out := map[[2]string]float64{}
	for _, f := range procLines(t, "stat") {
		id, isCPU := strings.CutPrefix(f[0], "cpu")
		if !isCPU || id == "" {
			continue
		}
		for i, mode := range []string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"} {
			out[[2]string{id, mode}] = number(t, f[1+i]) / 100 // USER_HZ
		}
	}
	return out
}

func TestCPUIsTheKernels(t *testing.T) {
	t.Parallel()
	m, _ := setup(t)
	before := procCPU(t)
	got := scrape(t, m)["node_cpu_seconds_total"]
	after := procCPU(t)
	require.Equal(t, "COUNTER", got.GetType().String())
	require.Len(t, got.GetMetric(), len(before))
	require.GreaterOrEqual(t, len(before), 8*runtime.NumCPU())
	for key, low := range before {
		v, ok := find(t, got, map[string]string{"cpu": key[0], "mode": key[1]})
		require.True(t, ok, key)
		// idle and iowait may go back a little while the kernel corrects itself
		require.GreaterOrEqual(t, v, low-.5, key)
		require.LessOrEqual(t, v, after[key]+.5, key)
	}
}

func TestMemoryIsTheKernels(t *testing.T) {
	t.Parallel()
	m, _ := setup(t)
	got := scrape(t, m)
	total, _ := find(t, got["node_memory_MemTotal_bytes"], nil)
	shown := 0
	for _, f := range procLines(t, "meminfo") {
		family := got["node_memory_"+strings.TrimSuffix(f[0], ":")+"_bytes"]
		if family == nil {
			continue
		}
		shown++
		v, ok := find(t, family, nil)
		require.True(t, ok, f)
		want := number(t, f[1]) * 1024
		if strings.HasSuffix(f[0], "Total:") {
			require.Equal(t, want, v, f)
		}
		require.InDelta(t, want, v, .1*total, f) // others run beside us
	}
	require.Equal(t, 15, shown)
}

func TestLoadIsTheKernels(t *testing.T) {
	t.Parallel()
	m, _ := setup(t)
	got := scrape(t, m)
	for i, name := range []string{"node_load1", "node_load5", "node_load15"} {
		v, ok := find(t, got[name], nil)
		require.True(t, ok, name)
		require.InDelta(t, number(t, procLines(t, "loadavg")[0][i]), v, 1)
	}
}

// TestFilesystemsAreWhatDfSays holds ours against coreutils' df.
func TestFilesystemsAreWhatDfSays(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "df", "--block-size=1", "--output=target,source,fstype,size,avail,itotal")
	text, err := cmd.Output()
	if err != nil {
		t.Skip("no df with --output here:", err)
	}
	m, _ := setup(t)
	got := scrape(t, m)
	compared := 0
	rows := bufio.NewScanner(bytes.NewReader(text))
	for rows.Scan() {
		f := strings.Fields(rows.Text())
		if len(f) != 6 || f[0] == "Mounted" {
			continue
		}
		l := map[string]string{"mountpoint": f[0], "device": f[1], "fstype": f[2]}
		size, ok := find(t, got["node_filesystem_size_bytes"], l)
		if !ok {
			continue // left out
		}
		compared++
		require.Equal(t, number(t, f[3]), size, l)
		avail, ok := find(t, got["node_filesystem_avail_bytes"], l)
		require.True(t, ok)
		require.InDelta(t, number(t, f[4]), avail, .02*size, l)
		files, _ := find(t, got["node_filesystem_files"], l)
		require.Equal(t, strings.ReplaceAll(f[5], "-", "0"), strconv.FormatFloat(files, 'f', 0, 64), l)
	}
	require.Positive(t, compared, "%s", text)
	for _, f := range got["node_filesystem_size_bytes"].GetMetric() {
		require.NotContains(t, []string{"proc", "sysfs", "cgroup", "cgroup2", "devtmpfs"}, labels(f)["fstype"])
	}
}

// otherMachine is a proc directory and a root of a machine that is not ours.
func otherMachine(t *testing.T, mountinfo ...string) []host.Option {
	t.Helper()
	return otherMachineIn(t, t.TempDir(), mountinfo...)
}

func otherMachineIn(t *testing.T, dir string, mountinfo ...string) []host.Option {
	t.Helper()
	proc, root := filepath.Join(dir, "proc"), filepath.Join(dir, "root")
	for _, d := range []string{filepath.Join(proc, "1"), filepath.Join(root, "data set")} {
		require.NoError(t, os.MkdirAll(d, 0o700))
	}
	for name, text := range map[string]string{
		"stat":        "cpu  20 0 0 0 0 0 0 0 0 0\ncpu0 200 0 0 100 300 0 0 0 0 0\nbtime 1\n",
		"meminfo":     "MemTotal:  1000 kB\nMemFree:  10 kB\n",
		"loadavg":     "0.25 0.50 0.75 1/100 1\n",
		"1/mountinfo": strings.Join(mountinfo, "\n") + "\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600))
	}
	return []host.Option{host.WithProc(proc), host.WithRoot(root)}
}

func TestAnotherMachinesProc(t *testing.T) {
	t.Parallel()
	m, _ := setup(t, otherMachine(t,
		`1 0 8:1 / / rw,relatime - overlay overlay rw`,
		`2 1 0:5 / /proc rw - proc proc rw`,
		`3 1 8:2 / /data\040set ro,relatime shared:1 - ext4 https://user:secret@nas/x rw`,
		`4 1 8:3 / /gone rw - xfs /dev/sdc rw`,
	)...)
	got := scrape(t, m)
	total, ok := find(t, got["node_memory_MemTotal_bytes"], nil)
	require.True(t, ok)
	require.Equal(t, 1024000.0, total)
	require.NotContains(t, got, "node_memory_MemAvailable_bytes", "an old kernel has none")
	iowait, _ := find(t, got["node_cpu_seconds_total"], map[string]string{"cpu": "0", "mode": "iowait"})
	require.Equal(t, 3.0, iowait)
	load, _ := find(t, got["node_load15"], nil)
	require.Equal(t, .75, load)

	require.Len(t, got["node_filesystem_size_bytes"].GetMetric(), 2)
	ro, ok := find(t, got["node_filesystem_readonly"], map[string]string{"mountpoint": "/data set", "device": "https://nas/x", "fstype": "ext4"})
	require.True(t, ok, got)
	require.Equal(t, 1.0, ro)
	_, ok = find(t, got["node_filesystem_size_bytes"], map[string]string{"mountpoint": "/", "fstype": "overlay"})
	require.True(t, ok, "a container's root is kept")
	failed, ok := find(t, got["node_filesystem_device_error"], map[string]string{"mountpoint": "/gone", "device_error": "no such file or directory"})
	require.True(t, ok)
	require.Equal(t, 1.0, failed)
	skipped, _ := find(t, got["monitor_host_filesystems_skipped"], map[string]string{"reason": "error"})
	require.Equal(t, 1.0, skipped)
}

// TestOddMounts: a line that cannot be read costs itself only, and names that
// are not text stay apart.
func TestOddMounts(t *testing.T) {
	t.Parallel()
	m, _ := setup(t, otherMachine(t,
		`1 0 8:1 / / rw,relatime - ext4 /dev/sda rw`,
		`5 1 0:40 / /weird rw`,
		`6 1 0:41 / /nameless rw shared:2 master:1 - tmpfs  rw,mode=755`,
		"7 1 0:42 / /a\xff rw - ext4 /dev/sdb rw",
		"8 1 0:43 / /a\xfe ro - ext4 /dev/sdb rw",
	)...)
	got := scrape(t, m)
	require.NotEmpty(t, got["node_filesystem_size_bytes"].GetMetric())
	skipped, _ := find(t, got["monitor_host_filesystems_skipped"], map[string]string{"reason": "odd"})
	require.Equal(t, 1.0, skipped)
	var points []string
	for _, f := range got["node_filesystem_device_error"].GetMetric() {
		require.LessOrEqual(t, f.GetGauge().GetValue(), 1.0)
		points = append(points, labels(f)["mountpoint"])
	}
	require.ElementsMatch(t, []string{"/", "/nameless", `/a\xff`, `/a\xfe`}, points)
}

func TestFilesystemLimit(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf("%d 0 8:%d / /m%d rw - ext4 /dev/sd%d rw", i+1, i, i, i))
	}
	m, _ := setup(t, append(otherMachine(t, lines...), host.WithFilesystemLimit(4))...)
	got := scrape(t, m)
	require.Len(t, got["node_filesystem_device_error"].GetMetric(), 4)
	skipped, _ := find(t, got["monitor_host_filesystems_skipped"], map[string]string{"reason": "limit"})
	require.Equal(t, 6.0, skipped)
}

// TestNoProc: what cannot be read is missing, and said to be.
func TestNoProc(t *testing.T) {
	t.Parallel()
	m, _ := setup(t, host.WithProc(filepath.Join(t.TempDir(), "none")))
	got := scrape(t, m)
	for _, part := range []string{"cpu", "meminfo", "loadavg", "filesystem"} {
		v, ok := find(t, got["node_scrape_collector_success"], map[string]string{"collector": part})
		require.True(t, ok, part)
		require.Zero(t, v, part)
	}
	for name := range got {
		require.False(t, strings.HasPrefix(name, "node_") && name != "node_scrape_collector_success", name)
	}
}

func TestOddProcFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := otherMachineIn(t, dir, "nonsense")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proc", "meminfo"), []byte("\n"), 0o600))
	m, _ := setup(t, opts...)
	got := scrape(t, m)
	for _, part := range []string{"meminfo", "filesystem"} {
		v, _ := find(t, got["node_scrape_collector_success"], map[string]string{"collector": part})
		require.Zero(t, v, part)
	}
	ok, _ := find(t, got["node_scrape_collector_success"], map[string]string{"collector": "cpu"})
	require.Equal(t, 1.0, ok, "one part that cannot be read costs itself only")
}
