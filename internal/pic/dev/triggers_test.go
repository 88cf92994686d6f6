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
		"[queues.a]\nscript = ":             "triggers.toml:2:9: ",
		"[queues.A]\nscript = \"x\"":        `triggers.toml:1: queues.A: the name of the queue "A"`,
		"[queues.a]":                        "triggers.toml:1: queues.a: script must name the script",
		"[queues.a]\nscript = 1":            "triggers.toml:2: queues.a.script: it is a text in quotes",
		"[queues.a]\nsqript = \"x\"":        "triggers.toml:2: queues.a.sqript: there is no such key: it is one of backoff_max_ms, backoff_ms, batch_size, concurrency, max_attempts, script, visibility_timeout_ms",
		"[queue.a]\nscript = \"x\"":         "triggers.toml:1: queue: there is no such key: it is one of kv_triggers, queues, schedules, subscriptions",
		"queues = 1":                        "triggers.toml:1: queues: it is a table: [queues.NAME]",
		"[subscriptions.a]\nscript = \"x\"": "triggers.toml:1: subscriptions.a.pattern: the pattern is empty",
		"[schedules.a]\nscript = \"x\"\ncron = \"@daily\"\ntimezone = \"Mars\"":         `triggers.toml:4: schedules.a.timezone: there is no time zone "Mars"`,
		"[kv_triggers.a]\nscript = \"x\"\nprefix = \"" + strings.Repeat("k", 600) + `"`: "triggers.toml:3: kv_triggers.a.prefix: the key is 600 bytes long",
		"[queues.a]\nscript = \"x\"\nconcurrency = 1000\n[queues.b]":                    "triggers.toml:3: queues.a.concurrency: 1000 is not possible: it is at least 1 and at most 256\ntriggers.toml:4: queues.b: script",
		"\n[queues.a]\nscript = \"x\"\nmax_attempts = 0":                                "triggers.toml:4: queues.a.max_attempts: it is at least 1",
		"[queues.a]\nscript = \"x\"\nmax_attempts = \"5\"":                              "triggers.toml:3: queues.a.max_attempts: it is a whole number",
		"foo = 1\n[bogus.x]": "triggers.toml:1: foo: there is no such key: it is one of kv_triggers, queues, schedules, subscriptions\ntriggers.toml:2: bogus: there",
		"[schedules]\na = { script = \"x\", cron = \"no\" }": "triggers.toml:2: schedules.a.cron: ",
		strings.Repeat("#", maxTriggers+1):                   "more than 256 KiB",
	} {
		_, err := readTriggers(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}
