package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/picloud/picloud/internal/schedule"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/topic"
)

// TriggersFile, in an app's directory, says what starts its scripts beside
// requests.
const TriggersFile = "triggers.toml"

// maxTriggers bounds the file, in bytes.
const maxTriggers = 256 << 10

// triggers is what the file may hold: the parts of a deployment by the names that
// the REST API has for them.
type triggers struct {
	Queues        map[string]store.ManifestQueue        `json:"queues"`
	Subscriptions map[string]store.ManifestSubscription `json:"subscriptions"`
	Schedules     map[string]store.ManifestSchedule     `json:"schedules"`
	KVTriggers    map[string]store.ManifestKVTrigger    `json:"kv_triggers"`
}

// ReadTriggers reads the triggers of the app in a directory, as a manifest without
// scripts; without the file there are none. The error is in words for who wrote it.
func ReadTriggers(dir string) (m store.Manifest, err error) {
	text, err := os.ReadFile(filepath.Join(dir, TriggersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if len(text) > maxTriggers {
		return m, fmt.Errorf("%s has more than %d KiB", TriggersFile, maxTriggers>>10)
	}
	var table map[string]any
	if err := toml.Unmarshal(text, &table); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, column := at.Position()
			return m, fmt.Errorf("%s:%d:%d: %s", TriggersFile, line, column, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return m, fmt.Errorf("%s: %w", TriggersFile, err)
	}
	lines := placesOf(text)
	if found := lines.misshapen(table); len(found) > 0 {
		return m, errors.New(inOrder(found))
	}
	raw, err := json.Marshal(table)
	if err != nil {
		return m, err
	}
	var s triggers
	if err := json.Unmarshal(raw, &s); err != nil {
		return m, fmt.Errorf("%s: %w", TriggersFile, err)
	}
	m = store.Manifest{
		Queues: s.Queues, Subscriptions: s.Subscriptions, Schedules: s.Schedules, KVTriggers: s.KVTriggers,
	}
	return m, checkTriggers(&m, lines)
}

// checkTriggers refuses what a server would.
func checkTriggers(m *store.Manifest, lines places) error {
	var problems []problem
	check := func(group, noun, name string, d store.Delivery, more func() (field, text string)) {
		field, text := "", ""
		if err := store.CheckTriggerName(noun, name); err != nil {
			text = err.Error()
		}
		if text == "" && d.Script == "" {
			text = "script must name the script that runs"
		}
		if text == "" {
			field, text = more()
		}
		if text == "" {
			field, text = d.Check()
		}
		if text != "" {
			problems = append(problems, lines.problem(strings.TrimSuffix(group+"."+name+"."+field, "."), "%s", text))
		}
	}
	told := func(field string, err error) (string, string) {
		if err == nil {
			return "", ""
		}
		return field, err.Error()
	}
	for name, q := range m.Queues {
		check("queues", "queue", name, q.Delivery, func() (string, string) { return "", "" })
	}
	for name, s := range m.Subscriptions {
		check("subscriptions", "subscription", name, s.Delivery, func() (string, string) { return told("pattern", topic.CheckPattern(s.Pattern)) })
	}
	for name, s := range m.Schedules {
		check("schedules", "schedule", name, s.Delivery, func() (string, string) { return schedule.Check(s, time.Now()) })
	}
	for name, k := range m.KVTriggers {
		check("kv_triggers", "KV trigger", name, k.Delivery, func() (string, string) {
			if k.Prefix == "" {
				return "", ""
			}
			return told("prefix", store.CheckKVKey(k.Prefix))
		})
	}
	if len(problems) > 0 {
		return errors.New(inOrder(problems))
	}
	return nil
}

// orphans says of each trigger whose script is not there that it waits.
func orphans(scripts []Script, m *store.Manifest) (complaints []error) {
	there := map[string]bool{}
	for _, s := range scripts {
		there[s.Name] = true
	}
	m.EachTrigger(func(kind store.ChannelKind, name string, d store.Delivery) {
		if !there[d.Script] {
			complaints = append(complaints, fmt.Errorf("%s: there is no script %q for the %s %q: what comes for it waits", TriggersFile, d.Script, store.TriggerNoun(kind), name))
		}
	})
	slices.SortFunc(complaints, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return complaints
}
