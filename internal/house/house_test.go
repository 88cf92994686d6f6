package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// load asks the go command for this module's packages and all they need.
func load(t *testing.T) graph {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-e", "-json=ImportPath,Standard,Dir,GoFiles,Imports,TestImports,XTestImports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		g[p.ImportPath] = p
	}
	if len(g.own("")) < 2 {
		t.Fatalf("go list found %d packages of %s", len(g.own("")), module)
	}
	return g
}

func TestImportRules(t *testing.T) {
	g := load(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, line := range r.check(g) {
				t.Errorf("%s\n\tthe rule: %s, because %s", line, r.name, r.why)
			}
		})
	}
}

// TestRulesCanFail shows each rule a small made-up house that breaks it, once
// for each way in which it can be broken.
func TestRulesCanFail(t *testing.T) {
	const m = module + "/"
	house := func(edges ...string) graph {
		g := graph{
			"fmt":                       {ImportPath: "fmt", Standard: true},
			"database/sql":              {ImportPath: "database/sql", Standard: true},
			"github.com/jackc/pgx/v5":   {ImportPath: "github.com/jackc/pgx/v5"},
			"example.com/orm":           {ImportPath: "example.com/orm", Imports: []string{"database/sql"}},
			m + "internal/store":        {ImportPath: m + "internal/store", Imports: []string{"fmt"}},
			m + "internal/store/sqlite": {ImportPath: m + "internal/store/sqlite", Imports: []string{m + "internal/store", "database/sql"}},
			m + "internal/bootstrap": {ImportPath: m + "internal/bootstrap", Imports: []string{
				m + "internal/manager", m + "internal/orchestrator", m + "internal/store/sqlite", m + "internal/invoke/local",
			}},
		}
		for _, name := range []string{"rhai", "rhai/syntax", "internal/manager", "internal/manager/apps", "internal/orchestrator", "internal/executor", "internal/invoke", "internal/invoke/local", "internal/auth", "internal/pic", "internal/pic/apps", "client"} {
			g[m+name] = pkg{ImportPath: m + name, Imports: []string{"fmt"}}
		}
		for _, edge := range edges {
			from, to, _ := strings.Cut(edge, " > ")
			test := strings.HasPrefix(from, "test of ")
			from = m + strings.TrimPrefix(from, "test of ")
			if strings.HasPrefix(to, "internal/") || strings.HasPrefix(to, "rhai") || to == "client" {
				to = m + to
			}
			p := g[from]
			p.ImportPath = from
			if test {
				p.XTestImports = append(p.XTestImports, to)
			} else {
				p.Imports = append(append([]string{}, p.Imports...), to)
			}
			g[from] = p
		}
		return g
	}

	for _, r := range rules {
		if broken := r.check(house("internal/manager > internal/store", "internal/pic > client", "internal/executor > internal/invoke", "rhai > rhai/syntax")); len(broken) > 0 {
			t.Errorf("%s: a good house breaks it: %q", r.name, broken)
		}
	}

	for _, c := range []struct{ rule, edge, want string }{
		{"rhai imports only the standard library", "rhai > example.com/orm", "rhai imports example.com/orm"},
		{"rhai imports only the standard library", "rhai/syntax > internal/store", "rhai/syntax imports internal/store"},
		{"rhai imports only the standard library", "test of rhai > internal/executor", "a test of rhai imports internal/executor"},
		{"contracts import no implementation", "internal/store > internal/store/sqlite", "internal/store → internal/store/sqlite"},
		{"contracts import no implementation", "internal/store > example.com/orm", "internal/store → example.com/orm → database/sql"},
		{"contracts import no implementation", "internal/invoke > internal/executor", "internal/invoke → internal/executor"},
		{"services know contracts, not one another and not drivers", "internal/manager/apps > internal/orchestrator", "internal/manager/apps → internal/orchestrator"},
		{"services know contracts, not one another and not drivers", "internal/orchestrator > internal/invoke/local", "internal/orchestrator → internal/invoke/local"},
		{"services know contracts, not one another and not drivers", "internal/manager > github.com/jackc/pgx/v5", "internal/manager → github.com/jackc/pgx/v5"},
		{"only bootstrap and cmd wire drivers and services together", "internal/auth > internal/store/sqlite", "internal/auth imports the driver internal/store/sqlite"},
		{"only bootstrap and cmd wire drivers and services together", "internal/manager > internal/executor", "internal/manager joins internal/executor and internal/manager"},
		{"the executor links no database", "internal/executor > example.com/orm", "internal/executor → example.com/orm → database/sql"},
		{"the executor links no database", "cmd/picloud-executor > internal/store/sqlite", "cmd/picloud-executor → internal/store/sqlite"},
		{"the command line speaks REST through client", "internal/pic/apps > internal/manager", "internal/pic/apps → internal/manager"},
		{"no package is called util, common, helpers or models", "internal/util > fmt", "internal/util: name the package"},
	} {
		t.Run(c.rule+"/"+c.edge, func(t *testing.T) {
			for _, r := range rules {
				if r.name != c.rule {
					continue
				}
				broken := r.check(house(c.edge))
				if !strings.Contains(strings.Join(broken, "\n"), c.want) {
					t.Errorf("the rule did not notice %q; it said %q, want %q", c.edge, broken, c.want)
				}
				return
			}
			t.Fatalf("no rule is called %q", c.rule)
		})
	}
}
