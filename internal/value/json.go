package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/picloud/picloud/rhai"
)

// JSON shows a value to who does not know Rhai. Not all of it can be told apart:
// a char is a string, a blob one in base64, a range its text, and a float that is
// no number one of the strings "NaN", "Infinity" and "-Infinity".
func JSON(v rhai.Value) json.RawMessage { return appendJSON(nil, v) }

func appendJSON(b []byte, v rhai.Value) []byte {
	switch v.Kind() {
	case rhai.KindUnit:
		return append(b, "null"...)
	case rhai.KindBool:
		t, _ := v.AsBool()
		return strconv.AppendBool(b, t)
	case rhai.KindInt:
		n, _ := v.AsInt()
		return strconv.AppendInt(b, n, 10)
	case rhai.KindFloat:
		f, _ := v.AsFloat()
		switch {
		case math.IsNaN(f):
			return append(b, `"NaN"`...)
		case math.IsInf(f, 1):
			return append(b, `"Infinity"`...)
		case math.IsInf(f, -1):
			return append(b, `"-Infinity"`...)
		}
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return append(b, s...)
	case rhai.KindString:
		s, _ := v.AsString()
		return appendText(b, s)
	case rhai.KindBlob:
		data, _ := v.AsBlob()
		return appendText(b, base64.StdEncoding.EncodeToString(data))
	case rhai.KindArray:
		elems, _ := v.AsArray()
		b = append(b, '[')
		for i, e := range elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case rhai.KindMap:
		b = append(b, '{')
		first := true
		v.EachEntry(func(key string, e rhai.Value) bool {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendJSON(append(appendText(b, key), ':'), e)
			return true
		})
		return append(b, '}')
	}
	return appendText(b, v.String())
}

func appendText(b []byte, s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string can be encoded
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// FromJSON makes a value of JSON: a number without a fraction and exponent is an
// integer, and refused if it does not fit one: as a float it would lose digits.
func FromJSON(raw []byte) (rhai.Value, error) {
	if err := CheckText(raw); err != nil {
		return rhai.Value{}, fmt.Errorf("the value is not JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return rhai.Value{}, fmt.Errorf("the value is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return rhai.Value{}, errors.New("the value is not JSON: something follows it")
	}
	return fromJSON(v, 0)
}

// short shows a number in a message.
func short(n json.Number) string {
	if len(n) > 40 {
		return n.String()[:40] + "…"
	}
	return n.String()
}

func fromJSON(v any, depth int) (rhai.Value, error) {
	if depth > MaxDepth {
		return rhai.Value{}, ErrTooDeep
	}
	switch v := v.(type) {
	case bool:
		return rhai.Bool(v), nil
	case string:
		return rhai.String(v), nil
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return rhai.Int(n), nil
		}
		if !strings.ContainsAny(v.String(), ".eE") {
			return rhai.Value{}, fmt.Errorf("the integer %s does not fit 64 bits (%d to %d): write it as text, or with a fraction", short(v), int64(math.MinInt64), int64(math.MaxInt64))
		}
		f, err := v.Float64()
		if err != nil {
			return rhai.Value{}, fmt.Errorf("the number %s is too large: the greatest is about 1.8e308", short(v))
		}
		return rhai.Float(f), nil
	case []any:
		elems := make([]rhai.Value, len(v))
		for i := range v {
			var err error
			if elems[i], err = fromJSON(v[i], depth+1); err != nil {
				return rhai.Value{}, err
			}
		}
		return rhai.Array(elems), nil
	case map[string]any:
		entries := make(map[string]rhai.Value, len(v))
		for key, e := range v {
			var err error
			if entries[key], err = fromJSON(e, depth+1); err != nil {
				return rhai.Value{}, err
			}
		}
		return rhai.Map(entries), nil
	}
	return rhai.Unit(), nil
}
