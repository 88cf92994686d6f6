package migratetest

import (
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store/migrate"
)

// Upgrades says what RunUpgrades is to migrate.
type Upgrades struct {
	Dialect migrate.Dialect
	Files   fs.FS // the driver's migrations
	// Filled is a database of the newest schema with rows in every table.
	Filled *sql.DB
	// Open returns an empty database, and a function that has the driver open it
	// and shows that it works.
	Open func(t *testing.T) (db *sql.DB, use func(t *testing.T))
	// NoForeignKeys is what turns the checks of foreign keys off, for one
	// connection.
	NoForeignKeys string
	// Empty are tables that hold no rows by nature or at this moment, and Lost
	// those whose rows a migration may throw away; both with the reason.
	Empty, Lost map[string]string
}

// RunUpgrades fills a database at each earlier version of the schema with what
// that version could hold, migrates it to the newest, and shows that every row
// is still there, as it was, and that the driver works with it.
func RunUpgrades(t *testing.T, u Upgrades) {
	known, err := migrate.List(u.Files)
	if err != nil {
		t.Fatal(err)
	}
	for table := range u.tables(t, u.Filled) {
		if n := len(u.rows(t, u.Filled, table, []string{"1"})); n == 0 && u.Empty[table] == "" {
			t.Errorf("the table %s is empty: have storetest.Fill put rows into it, so that its upgrade is tested", table)
		}
	}
	for _, m := range known {
		t.Run("from "+strings.TrimSuffix(m.Name, ".sql"), func(t *testing.T) {
			t.Parallel()
			db, use := u.Open(t)
			if err := migrate.UpTo(t.Context(), db, u.Dialect, u.Files, nil, m.Version); err != nil {
				t.Fatal(err)
			}
			newest := u.tables(t, u.Filled)
			before := map[string][]string{}
			columns := u.tables(t, db)
			for table, all := range columns {
				if u.Lost[table] != "" || newest[table] == nil {
					delete(columns, table)
					continue
				}
				// What only this version had cannot be made up.
				columns[table] = slices.DeleteFunc(all, func(c string) bool { return !slices.Contains(newest[table], c) })
			}
			u.copy(t, db, columns)
			for table, names := range columns {
				before[table] = u.rows(t, db, table, names)
				if want := u.rows(t, u.Filled, table, names); !slices.Equal(before[table], want) {
					t.Fatalf("%s was not filled: %d rows, want %d", table, len(before[table]), len(want))
				}
			}
			if err := migrate.Up(t.Context(), db, u.Dialect, u.Files, nil); err != nil {
				t.Fatal(err)
			}
			for table, names := range columns {
				if after := u.rows(t, db, table, names); !slices.Equal(after, before[table]) {
					t.Errorf("%s has %d rows after the upgrade and had %d before, or they differ", table, len(after), len(before[table]))
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			use(t)
		})
	}
}

// tables returns the columns of each table but that of the migrations.
func (u Upgrades) tables(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	schema, err := migrate.ReadSchema(t.Context(), db, u.Dialect)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for what := range schema {
		name, ok := strings.CutPrefix(what, "column ")
		if !ok {
			continue
		}
		table, column, _ := strings.Cut(name, ".")
		if table != "schema_migrations" {
			out[table] = append(out[table], column)
		}
	}
	for _, columns := range out {
		slices.Sort(columns)
	}
	return out
}

// rows returns a table's rows as text, sorted.
func (u Upgrades) rows(t *testing.T, db *sql.DB, table string, columns []string) []string {
	t.Helper()
	var out []string
	u.each(t, db, table, columns, func(values []any) { out = append(out, fmt.Sprintf("%q", values)) })
	slices.Sort(out)
	return out
}

func (u Upgrades) each(t *testing.T, db *sql.DB, table string, columns []string, f func(values []any)) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT `+strings.Join(columns, ", ")+` FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		f(values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// copy fills db's tables with what Filled holds of those columns.
func (u Upgrades) copy(t *testing.T, db *sql.DB, columns map[string][]string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), u.NoForeignKeys); err != nil {
		t.Fatal(err)
	}
	for table, names := range columns {
		numbers := make([]string, len(names))
		for i := range numbers {
			numbers[i] = fmt.Sprintf("$%d", i+1)
		}
		insert := `INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) VALUES (` + strings.Join(numbers, ", ") + `)`
		u.each(t, u.Filled, table, names, func(values []any) {
			if _, err := conn.ExecContext(t.Context(), insert, values...); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
		})
	}
}
