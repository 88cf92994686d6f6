package pic_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/exchange"
)

// examples deploys each folder of examples/ as an app and holds it to its
// check files.
func examples(t *testing.T, s *server) {
	const root = "../../examples"
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, filepath.Join(root, e.Name()))
		}
	}
	if len(folders) < 6 {
		t.Fatalf("%d examples, want at least 6", len(folders))
	}
	g := &guide{s: s, work: t.TempDir()}
	g.signIn(t)
	for _, folder := range folders {
		app := filepath.Base(folder)
		t.Run(app, func(t *testing.T) { example(t, g, app, folder) })
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func example(t *testing.T, g *guide, app, folder string) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	g.shell(t, "pic apps create "+app)
	deploy := func(pattern, flags string) int {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.rhai") })
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			checkListing(t, f, string(source))
			g.shell(t, "pic scripts deploy '"+f+"' --app "+app+flags)
		}
		return len(files)
	}
	if env := filepath.Join(folder, ".env"); exists(env) {
		g.shell(t, "pic secrets import '"+env+"' --app "+app)
	}
	deploy("lib/*.rhai", " --library")
	if deploy("*.rhai", "") == 0 {
		t.Fatalf("%s holds no endpoint", folder)
	}
	if tests, err := filepath.Glob(filepath.Join(folder, "*_test.rhai")); err != nil {
		t.Fatal(err)
	} else if len(tests) > 0 {
		g.shell(t, "pic test '"+folder+"'")
	}
	checks, err := filepath.Glob(filepath.Join(folder, "*.check"))
	if err != nil || len(checks) == 0 {
		t.Fatalf("%s holds no check (%v)", folder, err)
	}
	for _, file := range checks {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exchanges, err := exchange.Parse(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(exchanges) == 0 {
			t.Errorf("%s checks nothing", file)
		}
		for _, x := range exchanges {
			runExchange(t, x, g.s.url+"/"+strings.ToLower(app))
		}
	}
}
