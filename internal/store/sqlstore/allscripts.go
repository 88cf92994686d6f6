package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/picloud/picloud/internal/store"
)

// ListAllScripts is store.Scripts's. It costs the same however many apps there
// are: it goes along the apps in the order of their slugs and stops when the page
// is full, and reads each app's manifest once.
func (s *Store) ListAllScripts(ctx context.Context, p store.Page) ([]store.Script, error) {
	slug, name, _ := strings.Cut(p.After, "/")
	args := append([]any{slug, name, limit(p.Limit)}, seenArgs(p.See)...)
	apps := `apps`
	var with string
	if p.See != (store.Sight{}) {
		// Of the few that are seen no more than can fill a page: each has a script,
		// but perhaps for the first, whose scripts stood on the page before.
		apps = `seen`
		with = fmt.Sprintf(`WITH seen AS (SELECT a.id, a.slug%s AND a.slug >= $1
			AND EXISTS (SELECT 1 FROM scripts x WHERE x.app_id = a.id AND x.deleted_at = 0) ORDER BY a.slug LIMIT $%d) `,
			appsSeen(p.See, 4), len(args)+1)
		args = append(args, limit(p.Limit)+1)
	}
	query := with + `SELECT ` + scriptColumns + `, a.slug FROM ` + apps + ` a CROSS JOIN scripts s
		WHERE s.app_id = a.id AND s.deleted_at = 0 AND a.slug >= $1 AND (a.slug > $1 OR s.name > $2)
		ORDER BY a.slug, s.name LIMIT $3`
	for {
		list, err := s.scriptsWithSlug(ctx, query, args)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		manifests, err := s.activeManifests(ctx, list)
		if err != nil {
			return nil, err
		}
		gone := false
		for i := range list {
			m, ok := manifests[list[i].AppID]
			fromManifest(&list[i], m)
			gone = gone || !ok
		}
		// When an app went between the two reads, the page would be too short.
		if !gone {
			return list, nil
		}
	}
}

func (s *Store) scriptsWithSlug(ctx context.Context, query string, args []any) (list []store.Script, err error) {
	err = each(ctx, s.db, func(rows Rows) error {
		var row scriptScan
		var slug string
		err := rows.Scan(append(row.dest(), &slug)...)
		v := row.script()
		v.AppSlug = slug
		list = append(list, v)
		return err
	}, query, args...)
	return list, err
}

// activeManifests returns the manifests of the apps of scripts that are sorted
// by app, by the apps' IDs.
func (s *Store) activeManifests(ctx context.Context, scripts []store.Script) (map[string]store.Manifest, error) {
	var ids []any
	for i, v := range scripts {
		if i == 0 || v.AppID != scripts[i-1].AppID {
			ids = append(ids, v.AppID)
		}
	}
	manifests := make(map[string]store.Manifest, len(ids))
	err := each(ctx, s.db, func(rows Rows) error {
		var (
			id  string
			raw []byte
		)
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		m, err := decodeManifest(raw)
		manifests[id] = m
		return err
	}, `SELECT a.id, d.manifest FROM apps a JOIN deployments d ON d.app_id = a.id AND d.number = a.active_deployment
		WHERE a.id IN (`+parameters(len(ids))+`)`, ids...)
	return manifests, err
}

// parameters returns "$1, $2, …", n of them.
func parameters(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String()
}
