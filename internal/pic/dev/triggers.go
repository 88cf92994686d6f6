package dev

import (
	"bytes"
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
	path := filepath.Join(dir, TriggersFile)
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s is left out: %w", path, err)
		}
	}()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if len(text) > maxTriggers {
		return m, fmt.Errorf("it has more than %d KiB", maxTriggers>>10)
	}
	var table map[string]any
	if err := toml.Unmarshal(text, &table); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, column := at.Position()
			return m, fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return m, err
	}
	raw, err := json.Marshal(table)
	if err != nil {
		return m, err
	}
	var s triggers
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return m, fmt.Errorf("%s is %s, which does not belong there", wrong.Field, wrong.Value)
		}
		return m, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	m = store.Manifest{
		Queues: s.Queues, Subscriptions: s.Subscriptions, Schedules: s.Schedules, KVTriggers: s.KVTriggers,
	}
	return m, checkTriggers(&m)
}

// checkTriggers refuses what a server would.
func checkTriggers(m *store.Manifest) error {
	var problems []string
	check := func(group, noun, name string, d store.Delivery, more func() error) {
		err := store.CheckTriggerName(noun, name)
		if err == nil && d.Script == "" {
			err = errors.New("script must name the script that runs")
		}
		if err == nil {
			err = more()
		}
		if field, problem := d.Check(); err == nil && field != "" {
			err = errors.New(problem)
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s.%s: %v", group, name, err))
		}
	}
	for name, q := range m.Queues {
		check("queues", "queue", name, q.Delivery, func() error { return nil })
	}
	for name, s := range m.Subscriptions {
		check("subscriptions", "subscription", name, s.Delivery, func() error { return topic.CheckPattern(s.Pattern) })
	}
	for name, s := range m.Schedules {
		check("schedules", "schedule", name, s.Delivery, func() error {
			if field, problem := schedule.Check(s, time.Now()); field != "" {
				return errors.New(problem)
			}
			return nil
		})
	}
	for name, k := range m.KVTriggers {
		check("kv_triggers", "KV trigger", name, k.Delivery, func() error {
			if k.Prefix == "" {
				return nil
			}
			return store.CheckKVKey(k.Prefix)
		})
	}
	slices.Sort(problems)
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "; "))
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
