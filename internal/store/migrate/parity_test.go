package migrate_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/migrate/migratetest"
)

// TestParity compares the two databases' golden texts: there is one SQL text for
// both, so tables and columns must have the same names, nullability and
// corresponding types.
func TestParity(t *testing.T) {
	lite := migratetest.ReadGolden(t, "../sqlite/testdata/picloud.schema.txt")
	maps.Copy(lite, migratetest.ReadGolden(t, "../sqlite/testdata/executions.schema.txt"))
	post := migratetest.ReadGolden(t, "../postgres/testdata/picloud.schema.txt")

	// What only a cluster has, and with it PostgreSQL.
	maps.DeleteFunc(post, func(what, _ string) bool {
		_, name, _ := strings.Cut(what, " ")
		return name == "nodes" || strings.HasPrefix(name, "nodes.")
	})
	common := func(s migrate.Schema, typeNames ...string) migrate.Schema {
		out := make(migrate.Schema)
		for what, how := range s {
			kind, name, _ := strings.Cut(what, " ")
			switch {
			case kind == "table":
				out[what] = "a table"
			case kind == "index" && !strings.HasSuffix(name, "_key") && !strings.HasSuffix(name, "_pkey"):
				out[what] = "an index" // that a migration names; the others belong to constraints
			case kind == "column" && !strings.HasPrefix(name, "schema_migrations."):
				out[what] = strings.NewReplacer(typeNames...).Replace(how)
			}
		}
		return out
	}
	a := common(lite, "INTEGER", "integer", "TEXT", "text", "BLOB", "bytes")
	b := common(post, "bigint", "integer", "text collate C", "text", "''::text", "''", "bytea", "bytes")
	for _, d := range a.Differences(b) {
		t.Error(strings.NewReplacer("the database", "SQLite", "the golden text", "PostgreSQL").Replace(d))
	}
	if len(slices.Collect(maps.Keys(a))) < 40 {
		t.Errorf("only %d entries were compared", len(a))
	}
}
