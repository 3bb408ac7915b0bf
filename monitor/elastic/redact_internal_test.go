package elastic

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is assigned to a secret's name is not shown, however it is written.
func TestScrub(t *testing.T) {
	t.Parallel()
	r := newRedactor(nil)
	for _, text := range []string{
		`password=hunter2`, `password="hunter2"`, `password='hunter2 x'`, `password: "hunter2"`, `PGPASSWORD = hunter2`, `dial: token="hunter2", again`,
		`{"password":"hunter2"}`, `{"password": "correct hunter2 battery"}`, `{\"password\":\"hunter2\"}`, `password=ab,hunter2;ef`,
		`Authorization: Bearer hunter2`, `Authorization: ApiKey hunter2=`, `postgres://u:hunter2@db/x`,
	} {
		require.NotContains(t, r.scrub(text), "hunter2", text)
	}
	for _, text := range []string{`a password is asked for`, `tokens 5`, `monkey=banana`} {
		require.Equal(t, text, r.scrub(text))
	}
}
