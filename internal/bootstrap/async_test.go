package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/picloudtest"
)

// ask sends a request and returns its answer and what that says in JSON.
func ask(t *testing.T, method, url, prefer, body string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if prefer != "" {
		req.Header.Set("Prefer", prefer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	_ = json.Unmarshal(text, &said) // nil: it says nothing in JSON
	return res, said
}

// A request that prefers not to wait is run later, once in its effect; its status
// and its answer are at the address that it was told.
func TestRespondAsync(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		s := instanceOn(t, o)
		s.app("demo", map[string]string{
			"report": `kv::add("runs", 1); json(#{ got: request.body, at: request.params.rest, how: request.headers.prefer }).status(201).header("x-made", "yes")`,
			"refuse": `kv::add("runs", 100); throw http_error(404, "no such report")`,
			"fail":   `kv::add("runs", 10000); throw "broken"`,
			"late":   `if kv::get("ready") == () { throw "not yet" } "now"`,
			"ready":  `kv::set("ready", true)`,
		})
		finish := func(path string) map[string]any {
			t.Helper()
			res, said := ask(t, "POST", s.URL+path, "wait=1, respond-async", "the body")
			if res.StatusCode != http.StatusAccepted || res.Header.Get("Preference-Applied") != "respond-async" ||
				said["status"] != "queued" || said["status_url"] != res.Header.Get("Location") || said["execution_id"] != res.Header.Get("Picloud-Execution-Id") {
				t.Fatalf("%s: %d %v %v", path, res.StatusCode, res.Header, said)
			}
			address := s.URL + res.Header.Get("Location")
			until(t, "demo", func() bool {
				if res, said = ask(t, "GET", address, "", ""); res.StatusCode != http.StatusOK {
					t.Fatalf("the status of %s: %d %v", path, res.StatusCode, said)
				}
				return said["status"] == "done" || path != "/demo/report/7" && said["attempts"].(float64) > 0
			}, func() string { return fmt.Sprint(said) }, s)
			return said
		}
		said := finish("/demo/report/7")
		answer, _ := said["response"].(map[string]any)
		if answer["status"] != 201.0 || answer["body"] != `{"at":"7","got":"the body","how":"wait=1, respond-async"}` {
			t.Errorf("the report: %v", said)
		}
		if h, _ := answer["headers"].(map[string]any); len(h) == 0 || h["X-Made"] == nil {
			t.Errorf("its headers: %v", h)
		}
		if _, err := s.Execution(t.Context(), said["execution_id"].(string)); err != nil {
			t.Errorf("the execution: %v", err)
		}
		said = finish("/demo/refuse")
		if answer, _ := said["response"].(map[string]any); answer["status"] != 404.0 {
			t.Errorf("a thrown http_error: %v", said)
		}
		if said = finish("/demo/fail"); said["status"] != "queued" && said["status"] != "running" {
			t.Errorf("a failure: %v", said)
		}
		if e, err := s.KV(t.Context(), "demo", "runs"); err != nil || string(e.Value) != "1" {
			t.Errorf("the effects: %s, %v", e.Value, err)
		}
		if e, err := s.Execution(t.Context(), said["execution_id"].(string)); err == nil && fmt.Sprint(e.EventIds) != fmt.Sprintf("[%s]", said["execution_id"]) {
			t.Errorf("the execution handled %v", e.EventIds)
		}
		// What failed before it was done is still known when it is.
		if said = finish("/demo/late"); said["attempts"].(float64) < 1 {
			t.Errorf("one that fails first: %v", said)
		}
		late := said["status_url"].(string)
		if res, err := http.Post(s.URL+"/demo/ready", "", nil); err != nil || res.StatusCode != http.StatusNoContent {
			t.Fatalf("%v, %v", res, err)
		} else {
			res.Body.Close()
		}
		until(t, "demo", func() bool {
			_, said = ask(t, "GET", s.URL+late, "", "")
			return said["status"] == "done"
		}, func() string { return fmt.Sprint(said) }, s)
		if said["attempts"].(float64) < 1 {
			t.Errorf("when it is done: %v", said)
		}
		// The execution's ID, which goes out with its calls, asks for nothing.
		for _, id := range []string{"019a7c1e-8f2b-7c31-9f54-1d2e3f4a5b6c", said["execution_id"].(string)} {
			if res, _ := ask(t, "GET", s.URL+"/demo/_/invocations/"+id, "", ""); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", id, res.StatusCode)
			}
		}
		if res, _ := ask(t, "POST", s.URL+"/demo/_/invocations/x", "", ""); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("by POST: %d", res.StatusCode)
		}
		s.stop()
	})
}
