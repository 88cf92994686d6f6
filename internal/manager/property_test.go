package manager_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/picloud/picloud/internal/store"
)

// TestNoInputBreaksTheAPI sends requests made up from the OpenAPI document,
// right and wrong ones, in random order. Whatever comes, the answer is one that
// the document lists, which do checks, and no failure of ours.
func TestNoInputBreaksTheAPI(t *testing.T) {
	// The default of 100 reaches too little of the API.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("2000"); err != nil {
			t.Fatal(err)
		}
	}
	onBoth(t, noInputBreaksTheAPI)
}

func noInputBreaksTheAPI(t *testing.T, in *instance) {
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	type target struct{ path, method string }
	var targets []target
	for path, methods := range doc.Paths {
		for method, op := range methods {
			// These would end the run's session, or its owner's password.
			if op.OperationID != "signOut" && op.OperationID != "changePassword" {
				targets = append(targets, target{path, method})
			}
		}
	}
	sort.Slice(targets, func(i, j int) bool {
		return targets[i].path+targets[i].method < targets[j].path+targets[j].method
	})

	token := in.owner()
	in.user("zoe", store.RoleMember)
	app, script := in.deployed("demo")
	e := run(app, script, "ok")
	in.rec.record(t, e)
	values := map[string][]string{
		"app": {"demo", "demo", "other", "unknown"}, "script": {"hello", "hello", "other", "unknown"},
		"number": {"1", "2", "99"}, "id": {e.ID, "unknown"}, "after": {e.ID, "1", "demo", "demo/hello"}, "before": {e.ID},
		"status": {"ok", "error"}, "limit": {"1", "500"}, "logs": {"true", "false"}, "force": {"true", "false"},
		"user": {"zoe", "zoe", "unknown"}, "since": {"2026-01-01T00:00:00Z"}, "until": {"2027-01-01T00:00:00Z"}, "all": {"true"},
	}
	junk := []string{"", "0", "-1", "9223372036854775808", "1e3", "%00", "\x00", "\xff", "é", "a b", "a/b", "..", "'; --", strings.Repeat("x", 500), "null", "TRUE"}
	seen := map[int]int{}

	rapid.Check(t, func(rt *rapid.T) {
		in := *in
		target := rapid.SampledFrom(targets).Draw(rt, "target")
		op := doc.Paths[target.path][target.method]
		value := func(name string) string {
			if good := values[name]; len(good) > 0 && rapid.IntRange(0, 3).Draw(rt, "good") > 0 {
				return rapid.SampledFrom(good).Draw(rt, name)
			}
			return rapid.OneOf(rapid.SampledFrom(junk), rapid.String()).Draw(rt, name)
		}
		path, query, header := target.path, url.Values{}, http.Header{}
		for _, p := range op.Parameters {
			switch {
			case p.In == "path":
				v := value(p.Name)
				if op.OperationID == "streamExecutions" {
					v = "unknown" // a stream that is granted does not end
				}
				// Segments that are empty or dots are another path, or none.
				if v == "" || v == "." || v == ".." {
					v = "x"
				}
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(v))
			case p.In == "query" && rapid.Bool().Draw(rt, "has "+p.Name):
				query.Set(p.Name, value(p.Name))
			}
		}
		if len(query) > 0 {
			path += "?" + query.Encode()
		}
		c := call{method: strings.ToUpper(target.method), path: path, header: header}
		if rapid.IntRange(0, 9).Draw(rt, "signed in") > 0 {
			c.token = token
		}
		if op.RequestBody != nil {
			schema := op.RequestBody.Content["application/json"].Schema
			switch rapid.IntRange(0, 9).Draw(rt, "body") {
			case 0:
				c.body = rapid.String().Draw(rt, "text")
			case 1:
				c.body = anything(rt, 3)
			default:
				c.body = bySchema(rt, doc, schema)
			}
		}
		r := in.do(c)
		seen[r.status]++
		if r.status >= 500 {
			rt.Fatalf("%s with %v answers %d: %s", r.name, c.body, r.status, r.body)
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
	t.Logf("answers by status: %v", seen)
	for _, status := range []int{200, 401, 404, 422} {
		if seen[status] == 0 {
			t.Errorf("no request was answered with %d: the test reaches too little", status)
		}
	}
}

// bySchema makes a value that a schema allows, more or less.
func bySchema(rt *rapid.T, doc document, schema object) any {
	if rapid.IntRange(0, 19).Draw(rt, "wrong") == 0 {
		return anything(rt, 2)
	}
	if ref, ok := schema["$ref"].(string); ok {
		schema = doc.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]]
	}
	switch schema["type"] {
	case "object":
		o := object{}
		required := fmt.Sprint(schema["required"])
		properties, _ := schema["properties"].(object)
		names := make([]string, 0, len(properties))
		for name := range properties {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if strings.Contains(required, name) && rapid.IntRange(0, 19).Draw(rt, "absent") > 0 || rapid.Bool().Draw(rt, "has") {
				o[name] = bySchema(rt, doc, properties[name].(object))
			}
		}
		return o
	case "array":
		items, _ := schema["items"].(object)
		a := []any{}
		for range rapid.IntRange(0, 3).Draw(rt, "items") {
			a = append(a, bySchema(rt, doc, items))
		}
		return a
	case "integer":
		return rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64()).Draw(rt, "integer")
	case "boolean":
		return rapid.Bool().Draw(rt, "boolean")
	}
	if enum, ok := schema["enum"].([]any); ok {
		return rapid.SampledFrom(enum).Draw(rt, "enum")
	}
	return rapid.OneOf(rapid.SampledFrom([]string{"demo", "other", "hello", "ada", "zoe", "correct horse", "2030-01-01T00:00:00Z", "https://example.com", "let x = 1; x", "1 +"}), rapid.String()).Draw(rt, "string")
}

// anything makes any JSON value.
func anything(rt *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(rt, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(rt, "bool")
	case 2:
		return rapid.Float64Range(-1e20, 1e20).Draw(rt, "number")
	case 3:
		return rapid.String().Draw(rt, "string")
	case 4:
		a := []any{}
		for range rapid.IntRange(0, 3).Draw(rt, "length") {
			a = append(a, anything(rt, depth-1))
		}
		return a
	}
	o := object{}
	for range rapid.IntRange(0, 3).Draw(rt, "size") {
		o[rapid.String().Draw(rt, "key")] = anything(rt, depth-1)
	}
	return o
}
