package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronoretrace/chronomon/internal/redact"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	r := redact.New("Konto-Nummer")
	for _, name := range []string{
		"password", "db_password", "X-Auth-Token", "clientSecret", "Authorization", "cookie", "Set-Cookie", "credentials", "apiKey",
		"AWS_ACCESS_KEY", "private key", "DSN", "konto_nummer", "PASSWORDS",
	} {
		require.True(t, r.Secret(name), name)
	}
	for _, name := range []string{"", "monkey", "tokens", "passwordless", "secretary", "key"} {
		require.False(t, r.Secret(name), name)
	}
	require.False(t, redact.New().Secret("konto_nummer"))
	require.False(t, redact.Valid("-_ "))
	require.True(t, redact.Valid("ß"))
}

// What is assigned to a secret's name is not shown, however it is written, nor
// are credentials in URLs and headers.
func TestText(t *testing.T) {
	t.Parallel()
	r := redact.New()
	for _, text := range []string{
		`password=hunter2`, `password="hunter2"`, `password='hunter2 x'`, `password: "hunter2"`, `PGPASSWORD = hunter2`, `dial: token="hunter2", again`,
		`{"password":"hunter2"}`, `{"password": "correct hunter2 battery"}`, `{\"password\":\"hunter2\"}`, `password=ab,hunter2;ef`,
		`db_passwords=hunter2`, `client_secrets: hunter2`, "password:\nhunter2", `token%3Dhunter2`, `passphrase=hunter2`,
		`pwd=hunter2`, `credentials=hunter2`, `access_key=hunter2`, `dsn=user:hunter2@x`,
		`dial user:hunter2@tcp(db:3306)/x`, `user:a/hunter2@unix(/run/x)`,
		`<password>hunter2</password>`, `run --password hunter2`, `run --db-token 'hunter2 x'`,
		`Authorization: Bearer hunter2`, `Authorization: ApiKey hunter2=`, `Bearer "hunter2"`, `Basic hunter2`, `authorization: hunter2`,
		`Proxy-Authorization: Digest username=u, response=hunter2`, `{"Authorization":"hunter2"}`,
		`Cookie: a=b; session=hunter2`, `Set-Cookie: session=hunter2`, `postgres://u:hunter2@db/x`,
	} {
		require.NotContains(t, r.Text(text), "hunter2", text)
	}
	for _, text := range []string{
		``, `a password is asked for`, `tokens 5`, `tokens=5`, `monkey=banana`, `authors: two`, `the cookie jar`, `a > b and keys`, `x@tcp(db)`, `see https://host/@u`,
	} {
		require.Equal(t, text, r.Text(text))
	}
	require.Equal(t, `got {"Cookie":"[redacted]","q":"kept"}`, r.Text(`got {"Cookie":"a=b","q":"kept"}`))
	require.Equal(t, "cookie: [redacted]\nkept", r.Text("cookie: a\nkept"))
	require.Equal(t, "get /?token=[redacted]&q=kept", r.Text("get /?token=a&q=kept"))
	require.Equal(t, "<a><token>[redacted]</token></a>", r.Text("<a><token>b</token></a>"))
}
