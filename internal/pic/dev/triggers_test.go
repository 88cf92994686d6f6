package dev

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func readTriggers(t *testing.T, text string) (store.Manifest, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, TriggersFile), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return ReadTriggers(dir)
}

// The example of the documentation is one.
func TestTheDocumentedTriggers(t *testing.T) {
	page, err := os.ReadFile("../../../docs/dev.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "\n```toml\n")
	block, _, ended := strings.Cut(block, "\n```\n")
	if !found || !ended {
		t.Fatal("docs/dev.md shows no triggers")
	}
	m, err := readTriggers(t, block)
	if err != nil {
		t.Fatal(err)
	}
	if q := m.Queues["emails"]; q.Script != "mail" || q.Concurrency != 2 || q.MaxAttempts != 3 {
		t.Errorf("the queue: %+v", q)
	}
	if s := m.Subscriptions["journal"]; s.Pattern != "orders.*" {
		t.Errorf("the subscription: %+v", s)
	}
	if s := m.Schedules["report"]; s.Cron != "0 3 * * *" || s.Timezone != "Europe/Berlin" || s.Overlap != "queue" {
		t.Errorf("the schedule: %+v", s)
	}
	if k := m.KVTriggers["index"]; k.Prefix != "orders/" {
		t.Errorf("the KV trigger: %+v", k)
	}
}

func TestTriggersThatAreNone(t *testing.T) {
	if none, err := ReadTriggers(t.TempDir()); err != nil || none.Queues != nil {
		t.Errorf("without a file: %+v, %v", none, err)
	}
	for text, want := range map[string]string{
		"":                                  "",
		"[queues.a]\nscript = \"x\"":        "",
		"[queues.a]\nscript = ":             "line 2, column 9",
		"[queues.A]\nscript = \"x\"":        `queues.A: the name of the queue "A"`,
		"[queues.a]":                        "queues.a: script must name the script",
		"[queues.a]\nscript = 1":            "script is number, which does not belong there",
		"[queues.a]\nsqript = \"x\"":        `unknown field "sqript"`,
		"[queue.a]\nscript = \"x\"":         `unknown field "queue"`,
		"queues = 1":                        "queues is number",
		"[subscriptions.a]\nscript = \"x\"": "subscriptions.a: the pattern is empty",
		"[schedules.a]\nscript = \"x\"\ncron = \"@daily\"\ntimezone = \"Mars\"":         `schedules.a: there is no time zone "Mars"`,
		"[kv_triggers.a]\nscript = \"x\"\nprefix = \"" + strings.Repeat("k", 600) + `"`: "kv_triggers.a: the key is 600 bytes long",
		"[queues.a]\nscript = \"x\"\nconcurrency = 1000\n[queues.b]":                    "queues.a: concurrency is 1000: it is at least 1 and at most 256; queues.b: script",
		strings.Repeat("#", maxTriggers+1):                                              "more than 256 KiB",
	} {
		_, err := readTriggers(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}
