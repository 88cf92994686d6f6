package migrate

import (
	"context"
	"database/sql"
)

// readPostgreSQL reads the system catalogues. Day partitions of executions are
// data, not schema, and are left out, as are the not-null constraints that
// PostgreSQL 18 lists: columns say that already.
func (s Schema) readPostgreSQL(ctx context.Context, db *sql.DB) error {
	const mine = ` c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition `
	for _, q := range []string{
		`SELECT 'table ' || c.relname, CASE c.relkind WHEN 'p' THEN 'partition by ' || pg_get_partkeydef(c.oid) ELSE 'plain' END
		FROM pg_class c WHERE` + mine + `AND c.relkind IN ('r', 'p')`,

		`SELECT 'index ' || c.relname, pg_get_indexdef(c.oid) FROM pg_class c WHERE` + mine + `AND c.relkind IN ('i', 'I')`,

		`SELECT 'constraint ' || c.relname || ' ' || k.conname, pg_get_constraintdef(k.oid)
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE` + mine + `AND k.contype <> 'n'`,

		`SELECT 'trigger ' || c.relname || ' ' || t.tgname, pg_get_triggerdef(t.oid)
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE` + mine + `AND NOT t.tgisinternal`,

		`SELECT 'view ' || c.relname, pg_get_viewdef(c.oid) FROM pg_class c WHERE` + mine + `AND c.relkind IN ('v', 'm')`,

		`SELECT 'sequence ' || c.relname, format_type(q.seqtypid, NULL) FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid WHERE` + mine,

		`SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind <> 'a'`,
	} {
		if err := rows(ctx, db, q, nil, func(r *sql.Rows) error {
			var what, how string
			if err := r.Scan(&what, &how); err != nil {
				return err
			}
			s[what] = oneLine(how)
			return nil
		}); err != nil {
			return err
		}
	}
	return rows(ctx, db, `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
			coalesce((SELECT l.collname FROM pg_collation l WHERE l.oid = a.attcollation AND l.collname <> 'default'), ''),
			a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE`+mine+`AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`, nil, func(r *sql.Rows) error {
		var table, name, typ, collation string
		var notNull bool
		var def sql.NullString
		if err := r.Scan(&table, &name, &typ, &collation, &notNull, &def); err != nil {
			return err
		}
		if collation != "" {
			typ += " collate " + collation
		}
		s["column "+table+"."+name] = column(typ, notNull, def)
		return nil
	})
}
