// Package cloudevents reads events in the JSON format of CloudEvents 1.0, as
// the structured content mode of HTTP carries them
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
package cloudevents

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// The media types. A batch is several events in an array.
const (
	MediaType      = "application/cloudevents+json"
	BatchMediaType = "application/cloudevents-batch+json"
)

// Event is one event. Source and ID together name it: a sender gives no two
// different events the same.
type Event struct {
	ID     string
	Source string
	Type   string
	Time   time.Time // zero: it says none
	// Value is the whole event as a map: its attributes under their names, null
	// ones left out, and data, which is a blob when it came as data_base64.
	Value rhai.Value
}

// The bounds of what names an event, in bytes. The specification has none; these are so
// that the two can be part of a key.
const maxName = 1024

// Parse reads an event. Its errors say which attribute is wrong.
func Parse(body []byte) (Event, error) {
	v, err := value.FromJSON(body)
	if err != nil {
		return Event{}, err
	}
	if v.Kind() != rhai.KindMap {
		return Event{}, fmt.Errorf("a CloudEvent is a JSON object, this is %s", kindOf(v))
	}
	e := Event{}
	entries := map[string]rhai.Value{}
	v.EachEntry(func(name string, a rhai.Value) bool {
		if a.IsUnit() && name != "data" {
			return true // an attribute that is null is one that is not set
		}
		entries[name] = a
		if name != "data" {
			err = e.attribute(name, a)
		}
		return err == nil
	})
	if err != nil {
		return Event{}, err
	}
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if _, ok := entries[name]; !ok {
			return Event{}, fmt.Errorf("the CloudEvent has no attribute %q: specversion, id, source and type are required", name)
		}
	}
	if coded, ok := entries["data_base64"]; ok {
		if _, both := entries["data"]; both {
			return Event{}, errors.New("the CloudEvent has data and data_base64: it can have one of them")
		}
		s, _ := coded.AsString()
		data, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return Event{}, fmt.Errorf("data_base64 is not Base64: %w", err)
		}
		delete(entries, "data_base64")
		entries["data"] = rhai.Blob(data)
	}
	e.Value = rhai.Map(entries)
	return e, nil
}

// attribute checks one attribute, and keeps it if Event has a field for it.
func (e *Event) attribute(name string, v rhai.Value) error {
	s, isText := v.AsString()
	switch name {
	case "id", "source", "type", "specversion", "subject", "time", "datacontenttype", "dataschema", "data_base64":
		if !isText {
			return fmt.Errorf("the attribute %q must be a string, not %s", name, kindOf(v))
		}
		if s == "" && name != "data_base64" {
			return fmt.Errorf("the attribute %q is empty", name)
		}
	default:
		return extension(name, v)
	}
	switch name {
	case "specversion":
		if s != "1.0" {
			return fmt.Errorf("specversion is %q: understood is \"1.0\"", s)
		}
	case "id", "source", "type":
		if len(s) > maxName {
			return fmt.Errorf("the attribute %q is %d bytes long: at most %d are allowed", name, len(s), maxName)
		}
	}
	switch name {
	case "id":
		e.ID = s
	case "type":
		e.Type = s
	case "source":
		if _, err := url.Parse(s); err != nil {
			return fmt.Errorf("source %q is no URI reference, such as /sensors/7 or https://example.com", s)
		}
		e.Source = s
	case "dataschema":
		if u, err := url.Parse(s); err != nil || !u.IsAbs() {
			return fmt.Errorf("dataschema %q is no absolute URI", s)
		}
	case "time":
		var err error
		if e.Time, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return fmt.Errorf("time %q is no time such as 2026-01-31T12:00:00Z (RFC 3339)", s)
		}
	}
	return nil
}

// extension checks an attribute that the specification does not name.
func extension(name string, v rhai.Value) error {
	if name == "" {
		return errors.New("an attribute has no name")
	}
	for _, r := range name {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9') {
			return fmt.Errorf("the attribute %q: names consist of lower-case letters and digits; what is not about the event itself belongs under data", name)
		}
	}
	switch v.Kind() {
	case rhai.KindBool, rhai.KindString:
		return nil
	case rhai.KindInt:
		if n, _ := v.AsInt(); n < math.MinInt32 || n > math.MaxInt32 {
			return fmt.Errorf("the attribute %q is %d: integers of attributes have 32 bits", name, n)
		}
		return nil
	}
	return fmt.Errorf("the attribute %q is %s: attributes are strings, integers and booleans; anything else belongs under data", name, kindOf(v))
}

// kindOf names the kind of a value in JSON's words.
func kindOf(v rhai.Value) string {
	switch v.Kind() {
	case rhai.KindMap:
		return "an object"
	case rhai.KindArray:
		return "an array"
	case rhai.KindString:
		return "a string"
	case rhai.KindBool:
		return "a boolean"
	case rhai.KindUnit:
		return "null"
	}
	return "a number"
}
