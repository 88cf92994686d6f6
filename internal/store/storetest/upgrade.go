package storetest

import (
	"testing"

	"github.com/picloud/picloud/internal/store"
)

// EmptyTables are the tables into which Fill puts no rows, and why.
var EmptyTables = map[string]string{
	"executions": "they are kept apart",
}

// Upgraded shows that a store works whose database was filled by Fill at an
// earlier version of the schema and migrated since.
func Upgraded(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	scripts, err := s.ListAllScripts(ctx, store.Page{Limit: 1000})
	must(t, "ListAllScripts", err)
	for _, script := range scripts {
		v, err := s.ScriptVersion(ctx, script.ID, script.ActiveVersion)
		must(t, "ScriptVersion", err)
		equal(t, "in the deployment", active(t, s, script.AppSlug).Manifest.Scripts[script.Name].SourceHash, hash(v.Source))
	}
	if len(scripts) == 0 {
		t.Error("no script is left")
	}
	apps, err := s.ListApps(ctx, store.Page{Limit: 1000})
	must(t, "ListApps", err)
	for _, app := range apps {
		u, err := s.MessageUsage(ctx, app.ID)
		must(t, "MessageUsage", err)
		equal(t, "idempotency keys beside the messages that have one each", u.IdempotencyKeys, u.Messages)
	}
	users, err := s.ListUsers(ctx, store.Page{Limit: 1000})
	must(t, "ListUsers", err)
	equal(t, "users", len(users), 2)
	addScript(t, s, addApp(t, s, "later"), "hello", source())
}
