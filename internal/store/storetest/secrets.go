package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// sealed is a secret under the key k1; the store does not look into it.
func sealed(name, val string) store.SealedSecret {
	return store.SealedSecret{Name: name, KeyID: "k1", DataKey: []byte("key of \x00" + name), Value: []byte(val)}
}

func testSecrets(t *testing.T, s store.Store) {
	ctx := t.Context()
	app, other := addApp(t, s, "demo"), addApp(t, s, "other")
	put := func(a store.App, when time.Duration, x ...store.SealedSecret) (int, error) {
		return s.PutSecrets(ctx, a.ID, x, "ada", at(when))
	}
	keys, err := s.SecretKeys(ctx)
	must(t, "SecretKeys", err)
	equal(t, "keys before any secret", keys, store.SecretKeys{})

	n, err := put(app, 0, sealed("B", "\x00\xff"), sealed("a", "1"))
	must(t, "PutSecrets", err)
	equal(t, "created", n, 2)
	n, err = put(app, time.Minute, sealed("a", "2"), sealed("C", "3"))
	must(t, "PutSecrets", err)
	equal(t, "created beside one that was there", n, 1)
	_, err = put(other, 0, sealed("a", "other's"))
	must(t, "PutSecrets", err)

	secret := func(name string, created, updated time.Duration) store.Secret {
		return store.Secret{AppID: app.ID, Name: name, CreatedAt: at(created), UpdatedAt: at(updated), UpdatedBy: "ada"}
	}
	list := func(after string, limit int) []store.Secret {
		t.Helper()
		l, err := s.ListSecrets(ctx, app.ID, store.Page{After: after, Limit: limit})
		must(t, "ListSecrets", err)
		return l
	}
	all := []store.Secret{secret("B", 0, 0), secret("C", time.Minute, time.Minute), secret("a", 0, time.Minute)}
	equal(t, "by name", list("", 10), all)
	equal(t, "first page", list("", 2), all[:2])
	equal(t, "second page", list("C", 2), all[2:])
	one, err := s.Secret(ctx, app.ID, "a")
	must(t, "Secret", err)
	equal(t, "one of them", one, all[2])
	got, err := s.SealedSecret(ctx, app.ID, "B")
	must(t, "SealedSecret", err)
	want := sealed("B", "\x00\xff")
	want.AppID = app.ID
	equal(t, "as it was sealed", got, want)
	_, err = s.SealedSecret(ctx, other.ID, "B")
	wantErr(t, "another app's", err, store.ErrNotFound)
	_, err = s.Secret(ctx, app.ID, "nope")
	wantErr(t, "one that is not there", err, store.ErrNotFound)
	_, err = put(newApp("gone"), 0, sealed("a", "1"))
	wantErr(t, "an app that is not there", err, store.ErrNotFound)

	must(t, "DeleteSecret", s.DeleteSecret(ctx, app.ID, "C"))
	wantErr(t, "deleting it again", s.DeleteSecret(ctx, app.ID, "C"), store.ErrNotFound)
	equal(t, "what is left", list("", 10), []store.Secret{all[0], all[2]})
	must(t, "DeleteApp", s.DeleteApp(ctx, other.ID, false, "x", at(0)))
	keys, err = s.SecretKeys(ctx)
	must(t, "SecretKeys", err)
	equal(t, "keys after an app was deleted", keys, store.SecretKeys{Active: "k1", Secrets: map[string]int64{"k1": 2}})
}

func testSecretQuota(t *testing.T, s store.Store) {
	app := addApp(t, s, "demo")
	var many []store.SealedSecret
	for i := range store.MaxSecrets {
		many = append(many, sealed(fmt.Sprintf("S%03d", i), "x"))
	}
	_, err := s.PutSecrets(t.Context(), app.ID, many, "ada", at(0))
	must(t, "as many as there may be", err)
	_, err = s.PutSecrets(t.Context(), app.ID, []store.SealedSecret{sealed("S000", "changed"), sealed("ONE_MORE", "x")}, "ada", at(0))
	wantErr(t, "one more", err, store.ErrQuota)
	got, err := s.SealedSecret(t.Context(), app.ID, "S000")
	must(t, "SealedSecret", err)
	equal(t, "one that came with it", string(got.Value), "x")
}

func testRequiredSecrets(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	needs := deployOf(app, "hello", source(), at(0))
	needs.Secrets = []string{"KEY", "TOKEN"}
	_, err := s.DeployScript(ctx, needs)
	wantErr(t, "without its secrets", err, store.ErrMissingSecret)
	if err == nil || !strings.HasSuffix(err.Error(), "in demo: KEY (for hello), TOKEN (for hello)") {
		t.Errorf("it says %v", err)
	}
	_, err = s.Script(ctx, app.ID, "hello")
	wantErr(t, "the script that was refused", err, store.ErrNotFound)
	_, err = s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("KEY", "1"), sealed("TOKEN", "2"), sealed("FREE", "3")}, "ada", at(0))
	must(t, "PutSecrets", err)
	made, err := s.DeployScript(ctx, needs)
	must(t, "with them", err)
	equal(t, "what it requires", made.Script.Secrets, needs.Secrets)

	wantErr(t, "deleting one", s.DeleteSecret(ctx, app.ID, "KEY"), store.ErrRequired)
	must(t, "deleting another", s.DeleteSecret(ctx, app.ID, "FREE"))
	_, err = s.SealedSecret(ctx, app.ID, "KEY")
	must(t, "the one that was required", err)

	// A new version keeps what it does not change; an empty list requires nothing.
	next := deployOf(app, "hello", source(), at(0))
	_, err = s.DeployScript(ctx, next)
	must(t, "DeployScript", err)
	script, err := s.Script(ctx, app.ID, "hello")
	must(t, "Script", err)
	equal(t, "kept", script.Secrets, needs.Secrets)
	next.Secrets = []string{}
	_, err = s.DeployScript(ctx, next)
	must(t, "DeployScript", err)
	must(t, "deleting what is no longer required", s.DeleteSecret(ctx, app.ID, "KEY"))
	_, err = s.ChangeManifest(ctx, app.ID, "x", "ada", at(0), func(m *store.Manifest) error {
		e := m.Scripts["hello"]
		e.Secrets = []string{"KEY"}
		m.Scripts["hello"] = e
		return nil
	})
	wantErr(t, "any deployment", err, store.ErrMissingSecret)
}

func testRewrapSecrets(t *testing.T, s store.Store) {
	ctx := t.Context()
	app := addApp(t, s, "demo")
	_, err := s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("A", "1"), sealed("B", "2")}, "ada", at(0))
	must(t, "PutSecrets", err)
	other := sealed("C", "3")
	other.KeyID = "k2"
	_, err = s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("D", "4"), other}, "ada", at(0))
	wantErr(t, "a secret under another key", err, store.ErrKeyChanged)
	_, err = s.Secret(ctx, app.ID, "D")
	wantErr(t, "what came with it", err, store.ErrNotFound)

	refused := errors.New("no")
	_, err = s.RewrapSecrets(ctx, "k2", func(x store.SealedSecret) ([]byte, error) {
		if x.Name == "B" {
			return nil, refused
		}
		return []byte("new"), nil
	})
	wantErr(t, "a rotation that fails half way", err, refused)
	keys, err := s.SecretKeys(ctx)
	must(t, "SecretKeys", err)
	equal(t, "after it", keys, store.SecretKeys{Active: "k1", Secrets: map[string]int64{"k1": 2}})
	got, err := s.SealedSecret(ctx, app.ID, "A")
	must(t, "SealedSecret", err)
	equal(t, "its first", string(got.DataKey), "key of \x00A")

	n, err := s.RewrapSecrets(ctx, "k2", func(x store.SealedSecret) ([]byte, error) {
		if x.AppID != app.ID || string(x.DataKey) != "key of \x00"+x.Name {
			t.Errorf("to be sealed anew: %+v", x)
		}
		return []byte("new " + x.Name), nil
	})
	must(t, "RewrapSecrets", err)
	equal(t, "secrets", n, 2)
	got, err = s.SealedSecret(ctx, app.ID, "B")
	must(t, "SealedSecret", err)
	equal(t, "afterwards", got, store.SealedSecret{AppID: app.ID, Name: "B", KeyID: "k2", DataKey: []byte("new B"), Value: []byte("2")})
	_, err = s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("A", "1")}, "ada", at(0))
	wantErr(t, "one under the old key", err, store.ErrKeyChanged)
	_, err = s.PutSecrets(ctx, app.ID, []store.SealedSecret{other}, "ada", at(0))
	must(t, "one under the new key", err)

	removed, err := s.DropSecrets(ctx, []string{"k1", "k2"})
	must(t, "DropSecrets", err)
	equal(t, "removed with all keys at hand", removed, 0)
	removed, err = s.DropSecrets(ctx, []string{"k3"})
	must(t, "DropSecrets", err)
	equal(t, "removed", removed, 3)
	keys, err = s.SecretKeys(ctx)
	must(t, "SecretKeys", err)
	equal(t, "after all are lost", keys, store.SecretKeys{})
	_, err = s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("A", "1")}, "ada", at(0))
	must(t, "a new beginning", err)
}
