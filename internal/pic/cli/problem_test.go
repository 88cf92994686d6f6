package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/exit"
)

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
		code   int
		hint   string
	}{
		{
			"detail", 409, `{"status":409,"title":"Conflict","detail":"the slug \"demo\" is taken"}`,
			`the slug "demo" is taken (HTTP 409)`, exit.Failed, "",
		},
		{
			"field", 422, `{"detail":"validation failed","errors":[{"location":"body.slug","message":"only a-z, 0-9 and -","value":"Ü"}]}`,
			`validation failed: slug: only a-z, 0-9 and - (HTTP 422)`, exit.Failed, "",
		},
		{
			"wrong input", 422, `{"detail":"body.slug: only a-z","errors":[{"location":"body.slug","message":"only a-z"}]}`,
			`slug: only a-z (HTTP 422)`, exit.Failed, "",
		},
		{
			"conflict", 409, `{"detail":"there is an app \"demo\" already","errors":[{"location":"body.slug","message":"already exists"}]}`,
			`there is an app "demo" already (HTTP 409)`, exit.Failed, "",
		},
		{"title only", 404, `{"title":"Not Found"}`, "Not Found (HTTP 404)", exit.NotFound, ""},
		{
			"a failure", 500, `{"title":"Internal Server Error"}`, "Internal Server Error (HTTP 500)", exit.Failed,
			"The server failed; its own log says why. Trying again may help.",
		},
		{"too busy", 503, `{"title":"Service Unavailable"}`, "Service Unavailable (HTTP 503)", exit.Failed, "Try again in 1s."},
		{
			"a quota", 507, `{"detail":"the app's quota is used up"}`, "the app's quota is used up (HTTP 507)", exit.Failed,
			"pic apps usage shows what the app keeps, and how much it may.",
		},
		{"signed out", 401, `{"detail":"the session has ended"}`, "the session has ended (HTTP 401)", exit.NotSignedIn, "Sign in with: pic login URL"},
		{
			"forbidden", 403, `{"detail":"only admins may"}`, "only admins may (HTTP 403)", exit.NotAllowed,
			"pic whoami shows who you are, and pic roles which roles and scopes may do this: ask somebody who has them.",
		},
		{
			"does not compile", 422,
			`{"detail":"the script does not compile","errors":[{"location":"body.source","message":"expecting ';'"}],"line":2,"column":3,"source_line":"\tlet x","hint":"end the statement"}`,
			"line 2, column 3: expecting ';' (HTTP 422)", exit.Failed, "   2 | \tlet x\n     | \t ^\nend the statement",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := &client.Error{}
			if err := json.Unmarshal([]byte(c.body), &refused.Problem); err != nil {
				t.Fatal(err)
			}
			refused.Problem.Status = int64(c.status)
			if c.status == http.StatusServiceUnavailable {
				refused.RetryAfter = time.Second
			}
			err := Explain(fmt.Errorf("wrapped: %w", refused))
			if err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if exit.Code(err) != c.code {
				t.Errorf("exit code %d, want %d", exit.Code(err), c.code)
			}
			if exit.Hint(err) != c.hint {
				t.Errorf("hint %q, want %q", exit.Hint(err), c.hint)
			}
		})
	}
}

// A source of one very long line does not fill the terminal.
func TestExcerptOfALongLine(t *testing.T) {
	line := strings.Repeat("é", 5000) + "!" + strings.Repeat("x", 5000)
	for column, want := range map[int64]string{
		1:    "   1 | " + strings.Repeat("é", longestLine) + "…\n     | ^",
		5001: "   1 | …" + strings.Repeat("é", beforeMark) + "!" + strings.Repeat("x", longestLine-beforeMark-1) + "…\n     | " + strings.Repeat(" ", beforeMark+1) + "^",
		// At the end of the line, and beyond it.
		10002: "   1 | …" + strings.Repeat("x", beforeMark) + "\n     | " + strings.Repeat(" ", beforeMark+1) + "^",
		99999: "   1 | …" + strings.Repeat("x", beforeMark) + "\n     | " + strings.Repeat(" ", beforeMark+1) + "^",
	} {
		e := &CompileError{Line: 1, Column: column, SourceLine: line}
		if got := e.Excerpt(); got != want {
			t.Errorf("column %d:\n%s\nwant\n%s", column, got, want)
		}
	}
}
