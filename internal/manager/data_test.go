package manager_test

import (
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

func TestKV(t *testing.T) { onBoth(t, manageKV) }

func manageKV(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	entry := func(key string) string { return "/apps/demo/kv/entry?key=" + url.QueryEscape(key) }
	owner("GET", entry("a"), nil).want(404).says(`demo has no key "a"`, "")
	owner("DELETE", entry("a"), nil).want(404)
	r := owner("PUT", entry("a/ü b"), object{"value": object{"n": 1, "x": []any{"y", nil}}, "ttl": 60}).want(200)
	if r.str("key") != "a/ü b" || r.str("type") != "map" || !strings.Contains(string(r.body), `"value":{"n":1,"x":["y",null]}`) || r.str("expires_at") == "" {
		t.Errorf("set: %s", r.body)
	}
	got := owner("GET", entry("a/ü b"), nil).want(200)
	if string(got.body) != string(r.body) {
		t.Errorf("got %s, want %s", got.body, r.body)
	}
	owner("PUT", entry("b"), `{"value": 9223372036854775807}`).want(200)
	owner("PUT", entry("c"), `{"value": 1.0}`).want(200)
	// A number that would be kept as another one is refused.
	owner("PUT", entry("n"), `{"value": [99999999999999999999]}`).want(422).says("the integer 99999999999999999999 does not fit 64 bits", "")
	if r := owner("PUT", entry("n"), `{"value": 1e400}`); r.status < 400 || !strings.Contains(string(r.body), "the number 1e400 is too large") || strings.Contains(string(r.body), "Go") {
		t.Errorf("1e400: %s", r.body)
	}
	// What scripts keep that JSON has not.
	raw, err := value.Encode(rhai.Array([]rhai.Value{rhai.Char('x'), rhai.Blob([]byte{255}), rhai.Float(1), rhai.Float(math.NaN())}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.store.Commit(t.Context(), store.Commit{AppID: app.ID, At: in.clock.now(), Ops: []store.KVOp{{Kind: store.KVSet, Key: "d", Value: raw}}}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"b": `"type":"i64","value":9223372036854775807`, "c": `"type":"f64","value":1.0`, "d": `"type":"array","value":["x","/w==",1.0,"NaN"]`,
	} {
		if r := owner("GET", entry(key), nil).want(200); !strings.Contains(string(r.body), want) {
			t.Errorf("%s: got %s, want %s", key, r.body, want)
		}
	}
	if r := owner("GET", "/apps/demo/kv?limit=2", nil).want(200); r.str("items.0.key") != "a/ü b" || r.str("next") != "b" {
		t.Errorf("first page: %s", r.body)
	}
	if r := owner("GET", "/apps/demo/kv?limit=2&after=b", nil).want(200); r.str("items.1.key") != "d" || strings.Contains(string(r.body), `"next"`) {
		t.Errorf("last page: %s", r.body)
	}
	if r := owner("GET", "/apps/demo/kv?prefix=a%2F", nil).want(200); !strings.Contains(string(r.body), "ü b") || strings.Contains(string(r.body), `"c"`) {
		t.Errorf("by prefix: %s", r.body)
	}
	// A mistyped filter would answer with everything.
	owner("GET", "/apps/demo/kv?prefx=a", nil).want(422).says(`there is no query parameter "prefx" here: there are `, "")
	owner("GET", "/apps/demo?x", nil).want(422).says(`there is no query parameter "x" here: there are none`, "")
	in.clock.advance(time.Minute)
	owner("GET", entry("a/ü b"), nil).want(404)
	owner("DELETE", entry("b"), nil).want(204)
	owner("GET", entry("b"), nil).want(404)

	owner("GET", "/apps/demo/kv/entry", nil).want(422).says("", "query.key")
	owner("PUT", entry(""), object{"value": 1}).want(422).says("", "query.key")
	owner("PUT", entry(strings.Repeat("x", 513)), object{"value": 1}).want(422).says("", "query.key")
	owner("PUT", entry("a"), object{"value": 1, "ttl": -1}).want(422).says("", "body.ttl")
	owner("PUT", entry("a"), object{"value": strings.Repeat("x", 1<<20)}).want(422).says("", "body.value")
	owner("PUT", entry("a"), object{}).want(422)
}
