package executor

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store/memory"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

const referenceFile = "../../docs/rhai/modules.md"

// The reference is written from the registrations; BLESS=1 rewrites it.
func TestReference(t *testing.T) {
	want := New(Config{}).Reference()
	if os.Getenv("BLESS") != "" {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the registrations: BLESS=1 go test ./internal/executor -run TestReference rewrites it", referenceFile)
	}
}

// Every function is documented, and its example gives what it says.
func TestExamples(t *testing.T) {
	e := New(Config{HTTP: rates})
	b := newBench(t, e)
	b.host.variables = map[string]string{"REGION": "eu"}
	b.host.secrets = map[string]string{"WEBHOOK_KEY": "sesame"}
	payload, err := value.Encode(rhai.Map(map[string]rhai.Value{"to": rhai.String("ada@example.com")}))
	if err != nil {
		t.Fatal(err)
	}
	check := func(prefix string, f *rhai.Native) {
		name := prefix + f.Name
		if f.Doc == "" || f.Example == "" || f.Returns == "" {
			t.Errorf("%s is not documented", name)
			return
		}
		code, want := example(f)
		// The answer is JSON, whatever the value. No example sees another's data.
		b.host.data = memory.New()
		res := b.run("json({ "+code+" })", func(s *invoke.Start) {
			s.Request = &invoke.Request{
				Method: "POST", URL: "http://demo.localhost/orders/7/items?sort=price&tag=a&tag=b", Path: "/orders/7/items",
				Query: "sort=price&tag=a&tag=b", Params: []invoke.Param{{Name: "rest", Value: "7/items"}},
				Header: http.Header{"Content-Type": {"application/json"}, "Cookie": {"theme=dark"}},
				Body:   []byte(`{"email":"ada@example.com"}`), IP: "192.0.2.7",
			}
			if strings.Contains(code, "event.") {
				s.Event = &invoke.Event{
					ID: "01993c5e-7a00-7000-8000-000000000007", Kind: "queue", Source: "emails", Payload: payload,
					Attempt: 1, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Depth: 1,
				}
			}
		})
		if got := string(res.Response.Body); got != want {
			t.Errorf("%s: %s\n got %s (%s)\nwant %s", name, code, got, res.Error, want)
		}
	}
	for _, f := range functions() {
		check("", f)
	}
	for _, m := range e.modules() {
		if m.Doc() == "" {
			t.Errorf("the module %s is not documented", m.Name())
		}
		for _, f := range m.Functions() {
			check(m.Name()+"::", f)
		}
	}
}
