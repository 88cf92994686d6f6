package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Schema describes a database: what there is ("column users.username") and how
// it is defined ("TEXT, not null, no default"). It has an entry for each applied
// migration, table, column, constraint and index, and is the same whatever the
// order they were made in.
type Schema map[string]string

// ReadSchema reads the schema of db, PostgreSQL's from its current schema.
func ReadSchema(ctx context.Context, db *sql.DB, dialect Dialect) (Schema, error) {
	s := make(Schema)
	applied, err := Applied(ctx, db, dialect)
	if err != nil {
		return nil, err
	}
	for _, m := range applied {
		s["migration "+m.Name] = "SHA-256 " + m.SHA256
	}
	if dialect == SQLite {
		return s, s.readSQLite(ctx, db)
	}
	return s, s.readPostgreSQL(ctx, db)
}

// String is one line for each entry, sorted.
func (s Schema) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s: %s\n", k, s[k])
	}
	return b.String()
}

// ParseSchema reads what String wrote; lines that begin with # are comments.
func ParseSchema(text string) (Schema, error) {
	s := make(Schema)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		what, how, ok := strings.Cut(line, ": ")
		if _, twice := s[what]; !ok || twice {
			return nil, fmt.Errorf("line %d is not an entry of a schema: %q", i+1, line)
		}
		s[what] = how
	}
	return s, nil
}

// Differences tells, an entry each, how s differs from the golden text.
func (s Schema) Differences(golden Schema) []string {
	var out []string
	keys := maps.Clone(golden)
	maps.Copy(keys, s)
	for _, what := range slices.Sorted(maps.Keys(keys)) {
		got, inDatabase := s[what]
		want, inGolden := golden[what]
		switch {
		case got == want && inDatabase == inGolden:
		case !inGolden:
			out = append(out, fmt.Sprintf("%s: in the database (%s), not in the golden text", what, got))
		case !inDatabase:
			out = append(out, fmt.Sprintf("%s: in the golden text (%s), not in the database", what, want))
		case strings.HasPrefix(what, "migration "):
			out = append(out, fmt.Sprintf("%s: the file was edited after it was committed: put it back and make the change in a new migration (%s, golden text %s)", what, got, want))
		default:
			out = append(out, fmt.Sprintf("%s: in the database %s, in the golden text %s", what, got, want))
		}
	}
	return out
}

func column(typ string, notNull bool, def sql.NullString) string {
	null := "null"
	if notNull {
		null = "not null"
	}
	d := "no default"
	if def.Valid {
		d = "default " + oneLine(def.String)
	}
	return typ + ", " + null + ", " + d
}

// oneLine folds white space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// rows calls scan for each row of a query.
func rows(ctx context.Context, db *sql.DB, query string, args []any, scan func(*sql.Rows) error) error {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := scan(r); err != nil {
			return err
		}
	}
	return r.Err()
}
