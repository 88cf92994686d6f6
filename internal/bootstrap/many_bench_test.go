package bootstrap

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/postgres/pgtest"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// BenchmarkManyApps measures what the control plane costs with 10,000 apps of 20
// scripts against what it costs with 10, in turns, through everything but the
// network. None may cost more than twice as much.
func BenchmarkManyApps(b *testing.B) {
	for name, open := range map[string]func(b *testing.B, apps int) *crowd{"sqlite": crowdedSQLite, "postgres": crowdedPostgres} {
		b.Run(name, func(b *testing.B) {
			small, large := open(b, 10), open(b, 10_000)
			for _, c := range []struct {
				name string
				do   func(c *crowd)
			}{
				{"list-apps", func(c *crowd) { c.get(b, c.owner, "/apps?limit=10") }},
				{"list-apps-last-page", func(c *crowd) { c.get(b, c.owner, "/apps?limit=10&after="+c.slug(c.apps-6)) }},
				{"list-apps-of-a-member", func(c *crowd) { c.get(b, c.member, "/apps?limit=10") }},
				{"list-scripts", func(c *crowd) { c.get(b, c.owner, "/scripts?limit=20") }},
				{"list-scripts-last-page", func(c *crowd) { c.get(b, c.owner, "/scripts?limit=20&after="+c.slug(c.apps-2)+"/script-05") }},
				{"list-scripts-of-a-member", func(c *crowd) { c.get(b, c.member, "/scripts?limit=20") }},
				{"list-scripts-of-an-app", func(c *crowd) { c.get(b, c.member, "/apps/"+c.slug(0)+"/scripts?limit=20") }},
				{"show-app", func(c *crowd) { c.get(b, c.owner, "/apps/"+c.slug(c.apps/2)) }},
				{"show-script", func(c *crowd) { c.get(b, c.owner, "/apps/"+c.slug(c.apps/2)+"/scripts/script-07") }},
				{"deploy", func(c *crowd) { c.deploy(b) }},
			} {
				b.Run(c.name, func(b *testing.B) {
					var times [2][]time.Duration
					for b.Loop() {
						for i, crowd := range []*crowd{small, large} {
							began := time.Now()
							c.do(crowd)
							times[i] = append(times[i], time.Since(began))
						}
					}
					var median [2]time.Duration
					for i := range times {
						slices.Sort(times[i])
						median[i] = times[i][len(times[i])/2]
					}
					ratio := float64(median[1]) / float64(median[0])
					b.ReportMetric(float64(median[0].Microseconds()), "10-apps-µs")
					b.ReportMetric(float64(median[1].Microseconds()), "10000-apps-µs")
					b.ReportMetric(ratio, "ratio")
					b.ReportMetric(0, "ns/op")
					if len(times[0]) >= 100 && ratio > 2 {
						b.Errorf("it costs %.1f times as much", ratio)
					}
				})
			}
		})
	}
}

// crowd is an instance with many apps of 20 scripts. member belongs to ten.
type crowd struct {
	apps          int
	handler       http.Handler
	owner, member string // tokens
	n             int
}

const scriptsOfEach = 20

func (c *crowd) slug(i int) string { return fmt.Sprintf("app-%05d", i) }

func (c *crowd) do(b *testing.B, token string, r *http.Request) {
	b.Helper()
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if c.handler.ServeHTTP(w, r); w.Code >= 300 {
		b.Fatalf("%s: %d %s", r.URL, w.Code, w.Body)
	}
}

func (c *crowd) get(b *testing.B, token, path string) {
	b.Helper()
	c.do(b, token, httptest.NewRequest(http.MethodGet, "http://localhost/api/v1"+path, nil))
}

func (c *crowd) deploy(b *testing.B) {
	b.Helper()
	c.n++
	body := fmt.Sprintf(`{"source": "// %d\n\"hello\""}`, c.n)
	c.do(b, c.owner, httptest.NewRequest(http.MethodPut, "http://localhost/api/v1/apps/"+c.slug(c.apps/3)+"/scripts/script-03", strings.NewReader(body)))
}

func crowdedSQLite(b *testing.B, apps int) *crowd {
	dir := b.TempDir()
	s, err := sqlite.Open(b.Context(), dir)
	check(b, err)
	check(b, s.Close())
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "picloud.db"))
	check(b, err)
	people := fill(b, db, apps, func(v []byte) string { return "x'" + hex.EncodeToString(v) + "'" })
	check(b, db.Close())
	s, err = sqlite.Open(b.Context(), dir)
	check(b, err)
	b.Cleanup(func() { s.Close() })
	return people.serve(b, s, s.Executions())
}

func crowdedPostgres(b *testing.B, apps int) *crowd {
	url := pgtest.Database(b)
	s, err := postgres.Open(b.Context(), url, slog.New(slog.DiscardHandler))
	check(b, err)
	b.Cleanup(func() { s.Close() })
	db, err := sql.Open("pgx", url)
	check(b, err)
	people := fill(b, db, apps, func(v []byte) string { return `'\x` + hex.EncodeToString(v) + "'" })
	_, err = db.Exec("ANALYZE") // as PostgreSQL does by itself after a minute
	check(b, err)
	check(b, db.Close())
	return people.serve(b, s, s.Executions())
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// filled is what fill wrote.
type filled struct {
	apps          int
	owner, member store.User
}

// fill writes the rows of apps, in few statements: deploying 200,000 scripts
// takes an hour.
func fill(b *testing.B, db *sql.DB, apps int, blob func([]byte) string) filled {
	b.Helper()
	tx, err := db.Begin()
	check(b, err)
	var values []string
	flush := func(table string) {
		if len(values) > 0 {
			_, err := tx.Exec("INSERT INTO " + table + " VALUES " + strings.Join(values, ", "))
			check(b, err)
			values = values[:0]
		}
	}
	add := func(table, format string, args ...any) {
		if values = append(values, "("+fmt.Sprintf(format, args...)+")"); len(values) == 500 {
			flush(table)
		}
	}
	user := func(name string, role store.Role) store.User {
		u := store.User{ID: store.NewID(), Username: name, Role: role}
		add("users (id, username, role, password_hash, created_at, updated_at)", "'%s', '%s', '%s', '', 1, 1", u.ID, name, role)
		return u
	}
	out := filled{apps: apps, owner: user("ada", store.RoleOwner), member: user("zoe", store.RoleMember)}
	flush("users (id, username, role, password_hash, created_at, updated_at)")
	var hashes [scriptsOfEach]string
	for i := range hashes {
		source := fmt.Sprintf("\"script %d\"", i)
		sum := sha256.Sum256([]byte(source))
		hashes[i] = hex.EncodeToString(sum[:])
		add("sources (hash, text)", "'%s', %s", hashes[i], blob([]byte(source)))
	}
	flush("sources (hash, text)")

	ids := make([]string, apps)
	scripts := make([][scriptsOfEach]string, apps)
	const appsTable = "apps (id, slug, active_deployment, last_deployment, created_at, updated_at)"
	for i := range ids {
		ids[i] = store.NewID()
		add(appsTable, "'%s', 'app-%05d', 1, 1, 1, 1", ids[i], i)
	}
	flush(appsTable)
	const deploymentsTable = "deployments (app_id, number, parent, manifest, note, created_at, created_by)"
	for i, app := range ids {
		m := store.Manifest{Scripts: map[string]store.ManifestScript{}}
		for j := range scripts[i] {
			scripts[i][j] = store.NewID()
			m.Scripts[fmt.Sprintf("script-%02d", j)] = store.ManifestScript{ScriptID: scripts[i][j], Version: 1, SourceHash: hashes[j], Endpoint: true}
		}
		text, err := json.Marshal(m)
		check(b, err)
		add(deploymentsTable, "'%s', 1, 0, %s, '', 1, '%s'", app, blob(text), out.owner.ID)
	}
	flush(deploymentsTable)
	const scriptsTable = "scripts (id, app_id, name, latest_version, created_at, updated_at, deleted_at)"
	for i, app := range ids {
		for j, id := range scripts[i] {
			add(scriptsTable, "'%s', '%s', 'script-%02d', 1, 1, 1, 0", id, app, j)
		}
	}
	flush(scriptsTable)
	const versionsTable = "versions (script_id, number, source_hash, created_at, created_by)"
	for i := range ids {
		for j, id := range scripts[i] {
			add(versionsTable, "'%s', 1, '%s', 1, '%s'", id, hashes[j], out.owner.ID)
		}
	}
	flush(versionsTable)
	for i := range 10 {
		add("members (app_id, user_id, role, created_at, updated_at)", "'%s', '%s', 'editor', 1, 1", ids[i*apps/10], out.member.ID)
	}
	flush("members (app_id, user_id, role, created_at, updated_at)")
	check(b, tx.Commit())
	return out
}

// serve serves what was filled.
func (f filled) serve(b *testing.B, s store.Store, x store.Executions) *crowd {
	b.Helper()
	c, err := defaults()
	check(b, err)
	p := join(c, wiring{store: s, executions: x, node: "bench", log: slog.New(slog.DiscardHandler)})
	b.Cleanup(func() { p.close() })
	begin := auth.NewAuthenticator(s, auth.NewHasher(auth.Params{Passes: 1, MemoryKiB: 64, Threads: 1}), func() time.Time { return time.Now().UTC() })
	out := &crowd{apps: f.apps, handler: p.handler}
	for u, token := range map[*store.User]*string{&f.owner: &out.owner, &f.member: &out.member} {
		*token, _, err = begin.Begin(b.Context(), *u, auth.Device{Client: auth.ClientCLI})
		check(b, err)
	}
	return out
}
