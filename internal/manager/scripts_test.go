package manager_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/manager/scripts"
)

func TestScripts(t *testing.T) { onBoth(t, deployAndActivate) }

func deployAndActivate(t *testing.T, in *instance) {
	token := in.owner()
	do := func(method, path string, body any) *reply {
		t.Helper()
		return in.do(call{method: method, path: path, token: token, body: body})
	}
	do("POST", "/apps", object{"slug": "demo"}).want(201)
	const hello = "/apps/demo/scripts/hello"

	do("GET", hello, nil).want(404).says(`"hello" in demo`, "")
	do("GET", hello+"/versions", nil).want(404)
	do("GET", hello+"/versions/1", nil).want(404)
	do("PUT", hello+"/active-version", object{"version": 1}).want(404)
	do("DELETE", hello, nil).want(404)
	do("GET", "/apps/demo/executions?script=hello", nil).want(404)
	do("PUT", "/apps/unknown/scripts/hello", object{"source": "1"}).want(404)

	r := do("PUT", hello, object{"source": `"one"`}).want(201)
	if r.str("script.name") != "hello" || r.at("script.endpoint") != true || r.str("script.path") != "/demo/hello" ||
		r.num("version.number") != 1 || r.num("deployment") != 2 || r.str("version.created_by") != "ada" {
		t.Errorf("created: %s", r.body)
	}
	if got := r.header.Get("Location"); got != "/api/v1"+hello {
		t.Errorf("Location is %q", got)
	}
	in.clock.advance(1e9)
	r = do("PUT", hello, object{"source": `"two"`, "endpoint": true}).want(200)
	if r.num("version.number") != 2 || r.num("deployment") != 3 || r.num("script.active_version") != 2 {
		t.Errorf("deployed: %s", r.body)
	}
	r = do("PUT", "/apps/demo/scripts/lib", object{"source": "fn f() { 1 }", "endpoint": false}).want(201)
	if r.at("script.endpoint") != false || r.at("script.path") != nil {
		t.Errorf("library: %s", r.body)
	}
	if r = do("PUT", "/apps/demo/scripts/lib", object{"source": "fn f() { 2 }"}).want(200); r.at("script.endpoint") != false {
		t.Errorf("a new version made an endpoint of a library: %s", r.body)
	}

	r = do("GET", "/apps/demo/scripts", nil).want(200)
	if r.str("items.0.name") != "hello" || r.str("items.1.name") != "lib" || len(r.at("items").([]any)) != 2 {
		t.Errorf("list: %s", r.body)
	}
	do("POST", "/apps", object{"slug": "zoo"}).want(201)
	do("PUT", "/apps/zoo/scripts/ape", object{"source": "1"}).want(201)
	r = do("GET", "/scripts?limit=2", nil).want(200)
	r2 := do("GET", "/scripts?limit=2&after="+r.str("next"), nil).want(200)
	if r.str("items.0.app") != "demo" || r2.str("items.0.app") != "zoo" || r2.str("items.0.name") != "ape" || r2.at("next") != nil {
		t.Errorf("all scripts: %s %s", r.body, r2.body)
	}

	r = do("GET", hello+"/versions", nil).want(200)
	if r.num("items.0.number") != 2 || r.num("items.1.number") != 1 || r.str("items.0.created_by") != "ada" {
		t.Errorf("versions: %s", r.body)
	}
	r = do("GET", hello+"/versions?limit=1", nil).want(200)
	if r = do("GET", hello+"/versions?after="+r.str("next"), nil).want(200); r.num("items.0.number") != 1 {
		t.Errorf("second page: %s", r.body)
	}
	do("GET", hello+"/versions?after=x", nil).want(422).says("a number", "query.after")
	if r = do("GET", hello+"/versions/1", nil).want(200); r.str("source") != `"one"` {
		t.Errorf("version 1: %s", r.body)
	}
	do("GET", hello+"/versions/3", nil).want(404).says("no version 3", "")
	do("GET", hello+"/versions/0", nil).want(422)
	do("GET", hello+"/versions/x", nil).want(422)

	r = do("PUT", hello+"/active-version", object{"version": 1}).want(200)
	if r.num("script.active_version") != 1 || r.num("script.latest_version") != 2 || r.num("version.number") != 1 || r.num("deployment") != 6 {
		t.Errorf("activated: %s", r.body)
	}
	do("PUT", hello+"/active-version", object{"version": 3}).want(404).says("no version 3", "")
	do("PUT", hello+"/active-version", object{"version": 0}).want(422)
	do("PUT", hello+"/active-version", object{}).want(422)

	r = do("GET", "/apps/demo/deployments", nil).want(200)
	if r.num("items.0.number") != 6 || r.at("items.0.active") != true || r.at("items.1.active") != false || r.num("items.0.parent") != 5 || r.str("items.0.created_by") != "ada" {
		t.Errorf("deployments: %s", r.body)
	}
	do("GET", "/apps/demo/deployments?after=x", nil).want(422)
	r = do("GET", "/apps/demo/deployments/3", nil).want(200)
	if len(r.at("scripts").([]any)) != 1 || r.str("scripts.0.name") != "hello" || r.num("scripts.0.version") != 2 || r.at("active") != false {
		t.Errorf("deployment 3: %s", r.body)
	}
	do("GET", "/apps/demo/deployments/99", nil).want(404)
	do("GET", "/apps/demo/deployments/0", nil).want(422)

	do("DELETE", "/apps/demo", nil).want(409).says("force", "")
	do("DELETE", hello, nil).want(204)
	do("GET", hello, nil).want(404)
	do("DELETE", "/apps/demo?force=true", nil).want(204)
	do("GET", "/apps/demo", nil).want(404)
}

func TestScriptsThatAreRefused(t *testing.T) {
	in := start(t)
	token := in.owner()
	do := func(path string, body any) *reply {
		t.Helper()
		return in.do(call{method: "PUT", path: path, token: token, body: body})
	}
	in.do(call{method: "POST", path: "/apps", token: token, body: object{"slug": "demo"}}).want(201)
	const hello = "/apps/demo/scripts/hello"

	for _, name := range []string{"Hello", "a.rhai", "-a", "_a", "a-", "a%20b", "%C3%A9", strings.Repeat("a", 64)} {
		do("/apps/demo/scripts/"+name, object{"source": "1"}).want(422).says("allowed", "path.script")
	}
	do(hello, object{}).want(422)
	do(hello, object{"source": 1}).want(422)
	do(hello, object{"source": "1", "limits": object{"wall_time_ms": 10_001}}).want(422).says("above the instance's", "body.limits.wall_time_ms")
	do(hello, object{"source": "1", "limits": object{"hats": 1}}).want(422)
	do(hello, object{"source": "let a = 1;\u0000"}).want(422).says("U+0000", "body.source")

	do(hello, object{"source": strings.Repeat("x", scripts.MaxSource+1)}).want(413).says("1024 KiB", "")
	do(hello, object{"source": strings.Repeat("x", 10<<20)}).want(413).says("4096 KiB", "")
	// One that says nothing of its length cannot be refused before it is read.
	do(hello, struct{ io.Reader }{strings.NewReader("{\"source\":\"" + strings.Repeat("x", 10<<20) + "\"}")}).want(413).says("4194304 bytes", "")

	r := do(hello, object{"source": "let a = 1;\nlet b = (a + ;\nb"}).want(422)
	r.says("does not compile", "body.source")
	if r.num("line") != 2 || r.num("column") < 10 || r.str("source_line") != "let b = (a + ;" || r.str("errors.0.message") == "" {
		t.Errorf("compile error: %s", r.body)
	}
	r = do(hello, object{"source": "function f() { 1 }"}).want(422)
	if r.num("line") != 1 || !strings.Contains(r.str("hint"), "fn") {
		t.Errorf("compile error: %s", r.body)
	}
	r = do(hello, object{"source": "let s = \"" + strings.Repeat("é", 300) + "\"; )"}).want(422)
	if line := []rune(r.str("source_line")); len(line) != 201 || line[200] != '…' {
		t.Errorf("a long line is not cut: %d characters", len(line))
	}
	for name, source := range map[string]string{
		"nested arrays":     strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000),
		"nested parens":     strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000),
		"nested blocks":     strings.Repeat("{", 100_000) + strings.Repeat("}", 100_000),
		"nested closures":   strings.Repeat("|x| ", 100_000) + "x",
		"a tower of minus":  strings.Repeat("-", 500_000) + "1",
		"an open string":    "\"" + strings.Repeat("x", 500_000),
		"broken characters": "let \u202e = 1",
	} {
		if r := do(hello, object{"source": source}); r.status != 422 || r.str("errors.0.location") != "body.source" {
			t.Errorf("%s: %d %.300s", name, r.status, r.body)
		}
	}
	in.do(call{method: "GET", path: "/apps/demo/scripts/hello", token: token}).want(404)
}

func TestWarnings(t *testing.T) { onBoth(t, warnings) }

func warnings(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	in.deployed("demo") // with hello
	r := owner("PUT", "/apps/demo/scripts/main", object{"source": "import \"hello\" as h;\nimport \"lib\" as lib;\nfn f() { import \"lib\" as again; }\n  import \"main\" as me;\nimport \"No\\x00 Name\" as n;"}).want(201)
	got, _ := r.at("warnings").([]any)
	if len(got) != 3 {
		t.Fatalf("warnings: %s", r.body)
	}
	for i, want := range []object{
		{"message": `it imports "lib", and demo has no script of that name: what needs it fails until it is deployed`, "line": 2.0, "column": 1.0},
		{"message": `it imports itself, "main": each call will fail`, "line": 4.0, "column": 3.0},
		{"message": `it imports "No\x00 Name", and demo has no script of that name: what needs it fails until it is deployed`, "line": 5.0, "column": 1.0},
	} {
		if d := cmp.Diff(want, got[i]); d != "" {
			t.Errorf("warning %d (-want +got):\n%s", i, d)
		}
	}
	owner("PUT", "/apps/demo/scripts/lib", object{"source": "fn f() { 1 }", "endpoint": false}).want(201)
	if r := owner("PUT", "/apps/demo/scripts/main", object{"source": "import \"lib\" as lib; lib::f()"}).want(200); r.at("warnings") != nil {
		t.Errorf("without a reason: %s", r.body)
	}
	owner("DELETE", "/apps/demo/scripts/lib", nil).want(204)
	if r := owner("PUT", "/apps/demo/scripts/main", object{"source": "import \"lib\" as lib; lib::f()"}).want(200); len(r.at("warnings").([]any)) != 1 {
		t.Errorf("after it was deleted: %s", r.body)
	}
}
