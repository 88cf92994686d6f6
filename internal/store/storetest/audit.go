package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func auditEntry(when time.Time, username, action, app string, status int) store.AuditEntry {
	return store.AuditEntry{
		ID: store.NewIDAt(when), At: when, UserID: "id of " + username, Username: username, KeyID: "k1",
		Address: "192.0.2.1", UserAgent: "pic/1", Action: action, Object: "apps/" + app, App: app, Status: status, Detail: "why\nso",
	}
}

func testAudit(t *testing.T, s store.Store) {
	ctx := t.Context()
	one := auditEntry(at(0), "ada", "createApp", "shop", 201)
	two := auditEntry(at(time.Hour), "zoe", "deleteApp", "shop", 403)
	three := auditEntry(at(2*time.Hour), "ada", "deleteApp", "blog", 204)
	for _, e := range []store.AuditEntry{two, one, three} {
		must(t, "AppendAudit", s.AppendAudit(ctx, e))
	}
	changed := one
	changed.Detail = "another"
	must(t, "an entry that is there", s.AppendAudit(ctx, changed))

	for _, c := range []struct {
		what string
		f    store.AuditFilter
		want []store.AuditEntry
	}{
		{"all", store.AuditFilter{}, []store.AuditEntry{three, two, one}},
		{"oldest first", store.AuditFilter{Oldest: true}, []store.AuditEntry{one, two, three}},
		{"limit", store.AuditFilter{Limit: 1}, []store.AuditEntry{three}},
		{"before", store.AuditFilter{Before: three.ID}, []store.AuditEntry{two, one}},
		{"after", store.AuditFilter{After: two.ID}, []store.AuditEntry{three}},
		{"since a time", store.AuditFilter{After: store.FirstID(at(time.Hour))}, []store.AuditEntry{three, two}},
		{"until a time", store.AuditFilter{Before: store.FirstID(at(time.Hour))}, []store.AuditEntry{one}},
		{"who", store.AuditFilter{Username: "ada"}, []store.AuditEntry{three, one}},
		{"app", store.AuditFilter{App: "shop"}, []store.AuditEntry{two, one}},
		{"action", store.AuditFilter{Action: "deleteApp"}, []store.AuditEntry{three, two}},
		{"refused", store.AuditFilter{Refused: true}, []store.AuditEntry{two}},
		{"together", store.AuditFilter{Username: "ada", App: "blog", Action: "deleteApp"}, []store.AuditEntry{three}},
		{"none", store.AuditFilter{Username: "ada", Refused: true}, nil},
	} {
		if c.f.Limit == 0 {
			c.f.Limit = 10
		}
		got, err := s.ListAudit(ctx, c.f)
		must(t, "ListAudit", err)
		equal(t, c.what, got, c.want)
	}

	n, err := s.PruneAudit(ctx, at(time.Hour))
	must(t, "PruneAudit", err)
	equal(t, "removed", n, 1)
	got, err := s.ListAudit(ctx, store.AuditFilter{Limit: 10})
	must(t, "ListAudit", err)
	equal(t, "left", got, []store.AuditEntry{three, two})
}

// testAuditedChanges: a change and its entry are both there or neither is.
func testAuditedChanges(t *testing.T, s store.Store) {
	entry := auditEntry(at(0), "ada", "createApp", "shop", 201)
	ctx := store.WithAudit(t.Context(), func() store.AuditEntry { return entry })
	count := func() int {
		t.Helper()
		got, err := s.ListAudit(t.Context(), store.AuditFilter{Limit: 10})
		must(t, "ListAudit", err)
		return len(got)
	}
	shop := newApp("shop")
	must(t, "CreateApp", s.CreateApp(ctx, shop, "ada"))
	equal(t, "entries after a change", count(), 1)
	must(t, "RenameApp", s.RenameApp(ctx, shop.ID, "store", at(0)))
	equal(t, "a second change of the same request", count(), 1)

	entry = auditEntry(at(0), "ada", "createApp", "store", 201)
	if err := s.CreateApp(ctx, newApp("store"), "ada"); !errors.Is(err, store.ErrTaken) {
		t.Errorf("a slug that is taken: %v", err)
	}
	equal(t, "entries after a change that failed", count(), 1)
}
