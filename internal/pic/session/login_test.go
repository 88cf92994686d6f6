package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/credentials"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// logIn runs "pic login" against a server with the given answers.
func logIn(t *testing.T, answers map[string]func(w http.ResponseWriter)) (stderr string, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[r.Method+" "+r.URL.Path]
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		answer(w)
	}))
	defer srv.Close()
	vars := map[string]string{credentials.EnvDir: t.TempDir()}
	var out, errs bytes.Buffer
	env := cli.New(&terminal.Streams{
		In: strings.NewReader("a password"), Out: &out, Err: &errs, Getenv: func(k string) string { return vars[k] },
	}, "1.0.0")
	cmd := LoginCommand(env)
	cmd.SetArgs([]string{srv.URL, "--username", "ada", "--password-stdin"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(t.Context())
	if out.Len() > 0 {
		t.Errorf("standard output holds %q", out.String())
	}
	return errs.String(), err
}

func answer(status int, v any) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
}

func TestLoginWithoutAnOwner(t *testing.T) {
	refused := answer(http.StatusUnauthorized, client.Problem{Status: 401, Detail: "wrong username or password"})
	for needed, hint := range map[bool]string{
		true:  "This server has no owner yet. Open the link that it printed when it started.",
		false: "",
	} {
		_, err := logIn(t, map[string]func(http.ResponseWriter){
			"POST /api/v1/sessions": refused,
			"GET /api/v1/setup":     answer(http.StatusOK, client.SetupState{Needed: needed}),
		})
		if exit.Code(err) != exit.NotSignedIn || exit.Hint(err) != hint {
			t.Errorf("owner needed %v: %v, code %d, hint %q", needed, err, exit.Code(err), exit.Hint(err))
		}
	}
}

func TestLoginToSomethingElse(t *testing.T) {
	_, err := logIn(t, map[string]func(http.ResponseWriter){
		"POST /api/v1/sessions": func(w http.ResponseWriter) { fmt.Fprint(w, "<html>a router's page</html>") },
	})
	if err == nil || !strings.Contains(err.Error(), "not PiCloud's") || exit.Code(err) != exit.Failed {
		t.Errorf("got %v", err)
	}
}
