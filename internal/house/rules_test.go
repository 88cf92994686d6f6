package house

import (
	"fmt"
	"path"
	"sort"
	"strings"
)

const module = "github.com/picloud/picloud"

// pkg is what `go list` says of one package.
type pkg struct {
	ImportPath   string
	Standard     bool
	Dir          string
	GoFiles      []string
	Imports      []string // of its code
	TestImports  []string // of its tests inside the package
	XTestImports []string // of its tests outside the package
}

// graph is the packages of this module and everything they need, by path.
type graph map[string]pkg

// rule is one rule of the house. check returns a line for each violation: who
// breaks it, by which chain of imports, and what to do instead.
type rule struct {
	name  string
	why   string
	check func(graph) []string
}

// services are the three rooms that know one another by contracts only.
var services = []string{"internal/manager", "internal/orchestrator", "internal/executor"}

// contracts are the packages that services share. Only the exact package is the
// contract; what lies below it implements it.
var contracts = []string{"internal/store", "internal/invoke", "internal/queue"}

// databases are what a package links when it links a database driver.
var databases = []string{
	"database/sql",
	"modernc.org/sqlite",
	"github.com/jackc/pgx",
	"github.com/pressly/goose",
	module + "/internal/store/sqlite",
	module + "/internal/store/postgres",
}

var rules = []rule{
	{
		name: "rhai imports only the standard library",
		why:  "the engine is a library of its own and knows nothing of PiCloud",
		check: func(g graph) []string {
			var broken []string
			for _, p := range g.own("rhai") {
				for _, imp := range p.Imports {
					if !g[imp].Standard && !within(imp, module+"/rhai") {
						broken = append(broken, fmt.Sprintf("%s imports %s: use the standard library, or move the code out of rhai", short(p.ImportPath), short(imp)))
					}
				}
				for _, imp := range append(append([]string{}, p.TestImports...), p.XTestImports...) {
					if within(imp, module) && !within(imp, module+"/rhai") {
						broken = append(broken, fmt.Sprintf("a test of %s imports %s: the engine is tested without PiCloud", short(p.ImportPath), short(imp)))
					}
				}
			}
			return broken
		},
	},
	{
		name: "contracts import no implementation",
		why:  "a contract that knows its drivers cannot have another one",
		check: func(g graph) []string {
			var below []string
			for _, c := range contracts {
				below = append(below, module+"/"+c+"/")
			}
			var broken []string
			for _, c := range contracts {
				broken = append(broken, g.reaches(module+"/"+c, func(to string) bool {
					if matches(to, databases) || isService(to) || within(to, module+"/internal/bootstrap") || within(to, module+"/internal/pic") {
						return true
					}
					for _, b := range below {
						if strings.HasPrefix(to, b) {
							return true
						}
					}
					return false
				}, "a contract holds records and interfaces; put what needs this beside the driver")...)
			}
			return broken
		},
	},
	{
		name: "services know contracts, not one another and not drivers",
		why:  "each service must run as a process of its own, on either database",
		check: func(g graph) []string {
			var broken []string
			for _, s := range services {
				for _, p := range g.own(s) {
					broken = append(broken, g.reaches(p.ImportPath, func(to string) bool {
						if isService(to) {
							return !within(to, module+"/"+s)
						}
						return isDriver(to)
					}, "let internal/bootstrap hand it in behind a contract")...)
				}
			}
			return broken
		},
	},
	{
		name: "only bootstrap and cmd wire drivers and services together",
		why:  "there is one place to look for how the parts are joined",
		check: func(g graph) []string {
			var broken []string
			for _, p := range g.own("") {
				path := p.ImportPath
				if within(path, module+"/cmd") || within(path, module+"/internal/bootstrap") || isDriver(path) || isSuite(path) {
					continue
				}
				met := map[string]bool{}
				for _, s := range services {
					if within(path, module+"/"+s) {
						met[s] = true
					}
				}
				for _, imp := range p.Imports {
					if isDriver(imp) {
						broken = append(broken, fmt.Sprintf("%s imports the driver %s: take a contract and let internal/bootstrap choose", short(path), short(imp)))
					}
					for _, s := range services {
						if within(imp, module+"/"+s) {
							met[s] = true
						}
					}
				}
				if len(met) > 1 {
					names := make([]string, 0, len(met))
					for s := range met {
						names = append(names, s)
					}
					sort.Strings(names)
					broken = append(broken, fmt.Sprintf("%s joins %s: only internal/bootstrap and cmd may import more than one service", short(path), strings.Join(names, " and ")))
				}
			}
			return broken
		},
	},
	{
		name: "the executor links no database",
		why:  "a sandbox that holds no database connection cannot leak one",
		check: func(g graph) []string {
			var broken []string
			for _, room := range []string{"internal/executor", "cmd/picloud-executor"} {
				for _, p := range g.own(room) {
					broken = append(broken, g.reaches(p.ImportPath, func(to string) bool { return matches(to, databases) },
						"scripts' data access reaches the executor as a contract (internal/invoke)")...)
				}
			}
			return broken
		},
	},
	{
		name: "the command line speaks REST through client",
		why:  "what the command line can do, every other client can do",
		check: func(g graph) []string {
			var broken []string
			for _, p := range g.own("internal/pic") {
				broken = append(broken, g.reaches(p.ImportPath, func(to string) bool {
					return within(to, module+"/internal/manager") || matches(to, databases)
				}, "use the client package")...)
			}
			return broken
		},
	},
	{
		name: "no package is called util, common, helpers or models",
		why:  "such a name says nothing of what is inside, so anything ends up there",
		check: func(g graph) []string {
			var broken []string
			for _, p := range g.own("") {
				switch path.Base(p.ImportPath) {
				case "util", "utils", "common", "helper", "helpers", "model", "models":
					broken = append(broken, fmt.Sprintf("%s: name the package after what it provides", short(p.ImportPath)))
				}
			}
			return broken
		},
	},
}

// own returns this module's packages in a folder ("" for all), by path.
func (g graph) own(folder string) []pkg {
	root := module
	if folder != "" {
		root += "/" + folder
	}
	var found []pkg
	for _, p := range g {
		if within(p.ImportPath, root) {
			found = append(found, p)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ImportPath < found[j].ImportPath })
	return found
}

// reaches reports the shortest chain from a package to each package that
// forbidden names, looking no further behind such a package.
func (g graph) reaches(from string, forbidden func(string) bool, advice string) []string {
	if _, ok := g[from]; !ok {
		return nil
	}
	var broken []string
	via := map[string]string{from: ""}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if at != from && forbidden(at) {
			chain := short(at)
			for p := via[at]; p != ""; p = via[p] {
				chain = short(p) + " → " + chain
			}
			broken = append(broken, chain+": "+advice)
			continue
		}
		for _, next := range g[at].Imports {
			if _, seen := via[next]; !seen {
				via[next] = at
				todo = append(todo, next)
			}
		}
	}
	return broken
}

// within reports whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func matches(path string, roots []string) bool {
	if path == "database/sql/driver" {
		return false // interfaces only; types that a database could hold implement them
	}
	for _, r := range roots {
		if within(path, r) {
			return true
		}
	}
	return false
}

func isService(path string) bool {
	for _, s := range services {
		if within(path, module+"/"+s) {
			return true
		}
	}
	return false
}

// isSuite reports whether path is a conformance suite, such as storetest.
func isSuite(path string) bool {
	for _, c := range contracts {
		if strings.HasPrefix(path, module+"/"+c+"/") && strings.HasSuffix(path, "test") {
			return true
		}
	}
	return false
}

// isDriver reports whether path implements a contract: it lies below one and
// is not its suite.
func isDriver(path string) bool {
	for _, c := range contracts {
		if strings.HasPrefix(path, module+"/"+c+"/") {
			return !isSuite(path)
		}
	}
	return matches(path, databases)
}

func short(path string) string { return strings.TrimPrefix(path, module+"/") }
