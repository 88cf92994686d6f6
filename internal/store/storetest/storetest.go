// Package storetest holds the suite that every store driver passes.
//
// A driver joins with a few lines: it says how to open an empty store, and the
// suite runs as subtests of the caller.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// Open returns an empty store that the test's cleanup closes.
type Open func(t *testing.T) store.Store

// Run runs the suite for store.Store.
func Run(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"Users", testUsers},
		{"FirstOwner", testFirstOwner},
		{"Sessions", testSessions},
		{"LastOwner", testLastOwner},
		{"Members", testMembers},
		{"APIKeys", testAPIKeys},
		{"Audit", testAudit},
		{"AuditedChanges", testAuditedChanges},
		{"Apps", testApps},
		{"DeleteApp", testDeleteApp},
		{"DeployScript", testDeployScript},
		{"ActivateVersion", testActivateVersion},
		{"DeleteScript", testDeleteScript},
		{"ListScripts", testListScripts},
		{"Sources", testSources},
		{"Deployments", testDeployments},
		{"ChangeManifest", testChangeManifest},
		{"KV", func(t *testing.T, s store.Store) {
			RunKV(t, s, func(t *testing.T) string { return addApp(t, s, "kv-"+newID()[24:]).ID })
			t.Run("DeleteApp", func(t *testing.T) { testDeleteAppWithKV(t, s) })
		}},
		{"Secrets", testSecrets},
		{"SecretQuota", testSecretQuota},
		{"RequiredSecrets", testRequiredSecrets},
		{"RewrapSecrets", testRewrapSecrets},
		{"Queue", func(t *testing.T, s store.Store) {
			RunQueue(t, s, func(t *testing.T) string { return addApp(t, s, "queue-"+newID()[24:]).ID })
			t.Run("DeleteApp", func(t *testing.T) { testDeleteAppWithMessages(t, s) })
			t.Run("DeleteApp with much", func(t *testing.T) { testDeleteAppWithMuch(t, s) })
			t.Run("NobodyRanYet", func(t *testing.T) { testNobodyRanYet(t, s) })
		}},
		{"Schedules", testSchedules},
		{"Changes", testChanges},
		{"ConcurrentDeploys", testConcurrentDeploys},
		{"ConcurrentReaders", testConcurrentReaders},
		{"SharedSourceRace", testSharedSourceRace},
		{"Contexts", testContexts},
		{"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// start is the suite's clock: nothing in a store depends on the real one.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

var counter atomic.Int64

// newID returns a UUIDv7-shaped identifier; later ones sort after earlier ones.
func newID() string {
	id := uuid.Must(uuid.NewV7())
	return id.String()
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// wantErr asserts that err is one of the contract's and names what it is about.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !cmp.Equal(err, want, cmpopts.EquateErrors()) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func newUser(name string) store.User {
	return store.User{
		ID: newID(), Username: name, Role: store.RoleMember, PasswordHash: "$argon2id$" + name,
		CreatedAt: at(0), UpdatedAt: at(time.Microsecond),
	}
}

func newApp(slug string) store.App {
	return store.App{ID: newID(), Slug: slug, ActiveDeployment: 1, CreatedAt: at(0), UpdatedAt: at(0)}
}

// addApp creates an app.
func addApp(t *testing.T, s store.Store, slug string) store.App {
	t.Helper()
	a := newApp(slug)
	must(t, "CreateApp", s.CreateApp(t.Context(), a, "creator"))
	return a
}

// source returns a script's source that no other call returns.
func source() string { return fmt.Sprintf("// %d\n\"hello\"", counter.Add(1)) }

func hash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}

func deployOf(app store.App, name, source string, when time.Time) store.DeployScript {
	return store.DeployScript{
		AppID: app.ID, ScriptID: newID(), Name: name, Source: source, SourceHash: hash(source),
		Endpoint: true, By: "deployer", At: when,
	}
}

func addScript(t *testing.T, s store.Store, app store.App, name, source string) store.Deployed {
	t.Helper()
	d, err := s.DeployScript(t.Context(), deployOf(app, name, source, at(time.Minute)))
	must(t, "DeployScript", err)
	return d
}

// active returns the app's active deployment.
func active(t *testing.T, s store.Store, slug string) store.Deployment {
	t.Helper()
	_, d, err := s.ActiveDeployment(context.Background(), slug)
	must(t, "ActiveDeployment", err)
	return d
}
