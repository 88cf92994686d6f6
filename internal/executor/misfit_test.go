package executor

import (
	"strings"
	"testing"

	"github.com/picloud/picloud/rhai"
)

// An argument of the wrong type is named, as a text that a script can catch.
func TestArgumentsThatDoNotFit(t *testing.T) {
	for src, want := range map[string]string{
		`kv::set(5, 1)`:                  "kv::set: the key must be a text, this is an integer; the call is kv::set(key: string, value: any)",
		`kv::add("n", "x")`:              "kv::add: the argument n must be an integer, this is a text; the call is kv::add(key: string, n: int)",
		`kv::get((), 1)`:                 "kv::get: the key must be a text, this is (); the call is kv::get(key: string, default: any)",
		`hex::encode(true)`:              "hex::encode: the data must be a text or a blob, this is true; the call is hex::encode(data: string | blob)",
		`http::request("GET", 1)`:        "http::request: the url must be a text, this is an integer; the call is http::request(method: string, url: string)",
		`kv::transaction(response(200))`: "kv::transaction: the argument f must be a function, this is a Response; the call is kv::transaction(f: Fn)",
		`http_error("gone")`:             "http_error: the status must be an integer, this is a text; the call is http_error(status: int)",
		`http_error(404, 1)`:             "http_error: argument 2 must be a text, an array or a map, this is an integer; the call is http_error(status: int, message: string) or http_error(status: int, body: map | array)",
	} {
		b := newBench(t, New(Config{}))
		if got := string(b.run(`let said = ""; try { `+src+` } catch (e) { said = e; } said`, nil).Response.Body); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
		if res := b.run("\n"+src, nil); !strings.HasPrefix(res.Error, "Runtime error: "+want+" (line 2, position ") {
			t.Errorf("%s: %s", src, res.Error)
		}
	}
}

// A script may still have functions of the names, and a call that fits never comes
// to what explains others.
func TestMisfitsAreLast(t *testing.T) {
	b := newBench(t, New(Config{}))
	if got := string(b.run(`fn http_error(x) { "own" } http_error("a")`, nil).Response.Body); got != "own" {
		t.Errorf("a script's own function: %s", got)
	}
	for _, m := range New(Config{}).modules() {
		for _, f := range m.Functions() {
			if takesAnything(f) && len(f.Params) > 0 {
				continue
			}
			if len(f.Params) > 0 && len(misfits("", []*rhai.Native{f})) != 1 {
				t.Errorf("nothing explains %s::%s", m.Name(), f.Name)
			}
		}
	}
}
