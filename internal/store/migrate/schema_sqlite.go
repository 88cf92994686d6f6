package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// readSQLite reads https://sqlite.org/pragma.html's tables. Checks are not among
// them and are taken from the text of CREATE TABLE.
func (s Schema) readSQLite(ctx context.Context, db *sql.DB) error {
	var vacuum int
	if err := db.QueryRowContext(ctx, `PRAGMA auto_vacuum`).Scan(&vacuum); err != nil {
		return err
	}
	s["file auto_vacuum"] = []string{"none", "full", "incremental"}[vacuum]

	tables := make(map[string]string)
	if err := rows(ctx, db, `SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`, nil, func(r *sql.Rows) error {
		var kind, name, text string
		if err := r.Scan(&kind, &name, &text); err != nil {
			return err
		}
		switch kind {
		case "table":
			tables[name] = text
		default: // an index, trigger or view is what its text says
			s[kind+" "+name] = oneLine(text)
		}
		return nil
	}); err != nil {
		return err
	}
	for name, text := range tables {
		if err := s.readSQLiteTable(ctx, db, name, text); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	return nil
}

func (s Schema) readSQLiteTable(ctx context.Context, db *sql.DB, table, text string) error {
	var withoutRowid, strict bool
	if err := db.QueryRowContext(ctx, `SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = $1`, table).Scan(&withoutRowid, &strict); err != nil {
		return err
	}
	s["table "+table] = fmt.Sprintf("strict %v, rowid %v", strict, !withoutRowid)

	if err := rows(ctx, db, `SELECT name, type, "notnull", dflt_value, hidden, pk FROM pragma_table_xinfo($1)`, []any{table}, func(r *sql.Rows) error {
		var name, typ string
		var notNull bool
		var hidden, pk int
		var def sql.NullString
		if err := r.Scan(&name, &typ, &notNull, &def, &hidden, &pk); err != nil {
			return err
		}
		// The key of a table with rowids, if it is an integer, is the rowid: never null.
		rowid := pk == 1 && !withoutRowid && typ == "INTEGER"
		how := column(typ, notNull || rowid, def)
		if hidden != 0 {
			how += ", generated"
		}
		s["column "+table+"."+name] = how
		return nil
	}); err != nil {
		return err
	}

	// Each primary key and unique constraint has an index, which is explicit in
	// none but those of origin c.
	if err := rows(ctx, db, `SELECT l.origin, group_concat(x.name || ' ' || x.coll || iif(x."desc", ' desc', ''), ', ' ORDER BY x.seqno)
		FROM pragma_index_list($1) l, pragma_index_xinfo(l.name) x WHERE l.origin <> 'c' AND x.key = 1 GROUP BY l.name`, []any{table}, func(r *sql.Rows) error {
		var origin, columns string
		if err := r.Scan(&origin, &columns); err != nil {
			return err
		}
		kind := map[string]string{"pk": "primary key", "u": "unique"}[origin]
		s[fmt.Sprintf("constraint %s %s (%s)", table, kind, columns)] = "yes"
		return nil
	}); err != nil {
		return err
	}

	if err := rows(ctx, db, `SELECT group_concat("from", ', ' ORDER BY seq), "table", group_concat(coalesce("to", '?'), ', ' ORDER BY seq), on_update, on_delete
		FROM pragma_foreign_key_list($1) GROUP BY id`, []any{table}, func(r *sql.Rows) error {
		var from, parent, to, onUpdate, onDelete string
		if err := r.Scan(&from, &parent, &to, &onUpdate, &onDelete); err != nil {
			return err
		}
		s[fmt.Sprintf("constraint %s foreign key (%s)", table, from)] = fmt.Sprintf("references %s (%s) on update %s on delete %s", parent, to, strings.ToLower(onUpdate), strings.ToLower(onDelete))
		return nil
	}); err != nil {
		return err
	}

	for _, check := range checks(text) {
		s[fmt.Sprintf("constraint %s check %s", table, check)] = "yes"
	}
	return nil
}

var checkWord = regexp.MustCompile(`(?i)\bCHECK\s*\(`)

// checks returns the parenthesised conditions of a CREATE TABLE.
func checks(text string) (list []string) {
	for _, at := range checkWord.FindAllStringIndex(text, -1) {
		depth, quoted, end := 0, false, at[1]
		for i := at[1] - 1; i < len(text); i++ {
			switch c := text[i]; {
			case c == '\'':
				quoted = !quoted
			case quoted:
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if depth == 0 {
				end = i + 1
				break
			}
		}
		list = append(list, oneLine(text[at[1]-1:end]))
	}
	return list
}
