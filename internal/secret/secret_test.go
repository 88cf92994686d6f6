package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// bench is a vault on a store in a directory of its own.
type bench struct {
	t     *testing.T
	dir   string
	store *sqlite.Store
	app   string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	s, err := sqlite.Open(t.Context(), b.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b.store = s
	app := store.App{ID: store.NewID(), Slug: "demo", ActiveDeployment: 1, CreatedAt: now, UpdatedAt: now}
	if err := s.CreateApp(t.Context(), app, "ada"); err != nil {
		t.Fatal(err)
	}
	b.app = app.ID
	return b
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (b *bench) source() Source {
	file := filepath.Join(b.dir, "secrets.key")
	return Source{Name: file, File: file, Own: true}
}

func (b *bench) open() *Vault {
	b.t.Helper()
	v, err := Open(b.t.Context(), b.store, b.source())
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *bench) set(v *Vault, name, value string) {
	b.t.Helper()
	if _, err := v.Set(b.t.Context(), b.app, map[string]string{name: value}, "ada", now); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) want(v *Vault, name, want string) {
	b.t.Helper()
	if got, err := v.Secret(b.t.Context(), b.app, name); err != nil || got != want {
		b.t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
	}
}

func TestKeys(t *testing.T) {
	k := NewKey()
	text := k.Text()
	again, err := ParseKey(text)
	if err != nil || again.ID() != k.ID() || again.Text() != text || len(text) != 53 || len(k.ID()) != 16 {
		t.Errorf("%v, %v", again, err)
	}
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprint(Keys{k})} {
		if strings.Contains(shown, text[5:20]) || strings.Contains(shown, fmt.Sprint(k.raw[0], " ", k.raw[1])) {
			t.Errorf("a key is printed as %s", shown)
		}
	}
	mistyped := []byte(text)
	mistyped[20] ^= 1
	for name, bad := range map[string]string{"nothing": "", "cut": text[:52], "mistyped": string(mistyped), "another": "password", "longer": text + "A"} {
		_, err := ParseKey(bad)
		if err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := NewKey()
	keys, err := ParseKeys("# a comment\n" + text + ", " + other.Text() + "\r\n\n" + text + "\n")
	if err != nil || fmt.Sprint(keys.IDs()) != fmt.Sprint([]string{k.ID(), other.ID()}) {
		t.Errorf("%v, %v", keys, err)
	}
	for _, bad := range []string{"", "# only a comment\n", text + " nonsense"} {
		if _, err := ParseKeys(bad); err == nil || strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSetAndRead(t *testing.T) {
	b := newBench(t)
	v := b.open()
	values := map[string]string{"TOKEN": "hunter2-hunter2", "LONG": strings.Repeat("é", store.MaxSecretValue/2), "odd": "a\nb\t\"\\"}
	if n, err := v.Set(t.Context(), b.app, values, "ada", now); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for name, want := range values {
		b.want(v, name, want)
	}
	b.set(v, "TOKEN", "another")
	b.want(v, "TOKEN", "another")
	b.want(b.open(), "TOKEN", "another") // as after a restart
	if _, err := v.Secret(t.Context(), b.app, "NONE"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	for name, bad := range map[string]string{"2": "x", "A": "", "B": "\x00", "C": strings.Repeat("x", store.MaxSecretValue+1)} {
		if _, err := v.Set(t.Context(), b.app, map[string]string{name: bad, "FINE": "x"}, "ada", now); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := v.Secret(t.Context(), b.app, "FINE"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what came with one that was refused: %v", err)
	}
	info, err := os.Stat(b.source().File)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
}

// What is on disk shows neither the values nor the key.
func TestNothingReadableOnDisk(t *testing.T) {
	b := newBench(t)
	v := b.open()
	const value = "correct-horse-battery-staple"
	b.set(v, "TOKEN", value)
	var backup bytes.Buffer
	if err := b.store.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	key := v.keys[0]
	files, _ := filepath.Glob(filepath.Join(b.dir, "picloud.db*"))
	if len(files) == 0 {
		t.Fatal("no database")
	}
	all := map[string][]byte{"the backup": backup.Bytes()}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = text
	}
	for where, text := range all {
		for _, s := range []string{value, base64.StdEncoding.EncodeToString([]byte(value)), key.Text(), string(key.raw[:])} {
			if bytes.Contains(text, []byte(s)) {
				t.Errorf("%s holds %q", where, s)
			}
		}
	}
}

// A sealed secret opens at its own place only.
func TestRowsCannotBeSwapped(t *testing.T) {
	key := NewKey()
	s := key.seal("app", "A", "value")
	if got, err := key.open(s); got != "value" || err != nil {
		t.Fatal(got, err)
	}
	other := key.seal("app", "B", "other")
	for name, change := range map[string]func(*store.SealedSecret){
		"another app":               func(x *store.SealedSecret) { x.AppID = "another" },
		"another name":              func(x *store.SealedSecret) { x.Name = "B" },
		"another's value":           func(x *store.SealedSecret) { x.Value = other.Value },
		"another's data key":        func(x *store.SealedSecret) { x.DataKey = other.DataKey },
		"all of another":            func(x *store.SealedSecret) { x.DataKey, x.Value = other.DataKey, other.Value },
		"a changed value":           func(x *store.SealedSecret) { x.Value = bytes.Clone(x.Value); x.Value[len(x.Value)-1] ^= 1 },
		"a changed data key":        func(x *store.SealedSecret) { x.DataKey = bytes.Clone(x.DataKey); x.DataKey[20] ^= 1 },
		"another format":            func(x *store.SealedSecret) { x.Value = append([]byte{9}, x.Value[1:]...) },
		"another data key format":   func(x *store.SealedSecret) { x.DataKey = append([]byte{9}, x.DataKey[1:]...) },
		"a value that is cut":       func(x *store.SealedSecret) { x.Value = x.Value[:5] },
		"a data key that is cut":    func(x *store.SealedSecret) { x.DataKey = x.DataKey[:5] },
		"no value":                  func(x *store.SealedSecret) { x.Value = nil },
		"no data key":               func(x *store.SealedSecret) { x.DataKey = nil },
		"name and app run together": func(x *store.SealedSecret) { x.AppID, x.Name = "ap", "pA" },
	} {
		x := s
		change(&x)
		if got, err := key.open(x); !errors.Is(err, errDamaged) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := NewKey().open(s); !errors.Is(err, errDamaged) {
		t.Errorf("another key: %v", err)
	}
	// The same value is never sealed to the same bytes.
	if again := key.seal("app", "A", "value"); bytes.Equal(again.Value, s.Value) || bytes.Equal(again.DataKey, s.DataKey) {
		t.Error("sealing twice gives the same")
	}
}

func TestLostKey(t *testing.T) {
	b := newBench(t)
	first := b.open()
	b.set(first, "TOKEN", "value")
	file := b.source().File
	right, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, source Source, want string) {
		t.Helper()
		_, err := Open(t.Context(), b.store, source)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), string(right[len(right)-40:])) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	refused("without the file", b.source(), "secrets.key is not there: put the right key back")
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Error("a new key was made in place of the lost one")
	}
	refused("with another key", Source{Name: "PICLOUD_SECRETS_KEY", Text: NewKey().Text()}, first.keys[0].ID()+", which is not in PICLOUD_SECRETS_KEY")
	refused("with nonsense", Source{Name: "PICLOUD_SECRETS_KEY", Text: "hunter2"}, "PICLOUD_SECRETS_KEY: key 1: it does not begin with")
	refused("with a file that is not there", Source{Name: "x", File: filepath.Join(b.dir, "none")}, "no such file")
	if err := os.WriteFile(file, right, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("with a file that others can read", b.source(), "chmod 600")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	b.want(b.open(), "TOKEN", "value")
	// A key that was handed in beside others.
	v, err := Open(t.Context(), b.store, Source{Name: "x", Text: NewKey().Text() + " " + first.keys[0].Text()})
	if err != nil {
		t.Fatal(err)
	}
	b.want(v, "TOKEN", "value")
	b.set(v, "MORE", "sealed under the key in use")
	b.want(b.open(), "MORE", "sealed under the key in use")

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if n, err := Discard(t.Context(), b.store, b.source()); n != 2 || err != nil {
		t.Errorf("Discard: %d, %v", n, err)
	}
	again := b.open() // makes a key
	b.set(again, "TOKEN", "anew")
	b.want(b.open(), "TOKEN", "anew")
	if n, err := Discard(t.Context(), b.store, b.source()); n != 0 || err != nil {
		t.Errorf("Discard with the right key: %d, %v", n, err)
	}
}

func TestRotate(t *testing.T) {
	b := newBench(t)
	v, beside := b.open(), b.open() // two processes on one database
	b.set(v, "A", "a")
	old := v.keys[0].ID()
	done, err := v.Rotate(t.Context(), false)
	if err != nil || done.Secrets != 1 || done.Key == old || fmt.Sprint(done.Old) != "["+old+"]" || done.Dropped {
		t.Fatalf("%+v, %v", done, err)
	}
	b.want(v, "A", "a")
	b.want(beside, "A", "a") // which reads the new key
	b.set(beside, "B", "b")
	b.want(b.open(), "B", "b")
	keys, err := b.store.SecretKeys(t.Context())
	if err != nil || keys.Active != done.Key || keys.Secrets[done.Key] != 2 || len(keys.Secrets) != 1 {
		t.Errorf("%+v, %v", keys, err)
	}
	stale := b.open()
	again, err := v.Rotate(t.Context(), true)
	if err != nil || !again.Dropped || len(again.Old) != 2 {
		t.Errorf("%+v, %v", again, err)
	}
	text, err := os.ReadFile(b.source().File)
	if err != nil || strings.Count(string(text), keyPrefix) != 1 {
		t.Errorf("the file holds %d keys, %v", strings.Count(string(text), keyPrefix), err)
	}
	b.set(stale, "C", "by one that knows the old key") // it reads the new one first
	for name, want := range map[string]string{"A": "a", "B": "b", "C": "by one that knows the old key"} {
		b.want(b.open(), name, want)
	}
}

func TestRotateHandedIn(t *testing.T) {
	b := newBench(t)
	one, two := NewKey(), NewKey()
	source := func(keys ...*Key) Source {
		s := Source{Name: "PICLOUD_SECRETS_KEY"}
		for _, k := range keys {
			s.Text += k.Text() + "\n"
		}
		return s
	}
	v, err := Open(t.Context(), b.store, source(one))
	if err != nil {
		t.Fatal(err)
	}
	b.set(v, "A", "a")
	if _, err := v.Rotate(t.Context(), false); err == nil || !strings.Contains(err.Error(), "generate-key") {
		t.Errorf("without a new key: %v", err)
	}
	if v, err = Open(t.Context(), b.store, source(two, one)); err != nil {
		t.Fatal(err)
	}
	b.set(v, "B", "still under the old one")
	done, err := v.Rotate(t.Context(), true)
	if err != nil || done.Key != two.ID() || done.Secrets != 2 || done.Dropped {
		t.Errorf("%+v, %v", done, err)
	}
	if v, err = Open(t.Context(), b.store, source(two)); err != nil {
		t.Fatal(err)
	}
	b.want(v, "A", "a")
	b.want(v, "B", "still under the old one")
}

// dying is a store whose process is killed at a moment of a rotation.
type dying struct {
	store.Secrets
	after bool // the secrets were sealed anew
}

var errKilled = errors.New("killed")

func (d dying) RewrapSecrets(ctx context.Context, id string, f func(store.SealedSecret) ([]byte, error)) (int, error) {
	if d.after {
		if _, err := d.Secrets.RewrapSecrets(ctx, id, f); err != nil {
			return 0, err
		}
	}
	return 0, errKilled
}

// Whenever a rotation is cut off, every secret opens afterwards, also new ones,
// and rotating again ends it.
func TestRotationCutOff(t *testing.T) {
	for _, after := range []bool{false, true} {
		b := newBench(t)
		b.set(b.open(), "A", "a")
		v, err := Open(t.Context(), dying{b.store, after}, b.source())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Rotate(t.Context(), true); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		again := b.open()
		b.want(again, "A", "a")
		b.set(again, "B", "b")
		done, err := again.Rotate(t.Context(), true)
		if err != nil || done.Secrets != 2 || !done.Dropped {
			t.Errorf("after %t: %+v, %v", after, done, err)
		}
		b.want(b.open(), "A", "a")
		b.want(b.open(), "B", "b")
		if left, _ := filepath.Glob(filepath.Join(b.dir, ".secrets-key-*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// A secret that was damaged stops a rotation, which changes nothing.
func TestRotateDamaged(t *testing.T) {
	b := newBench(t)
	v := b.open()
	b.set(v, "A", "a")
	bad := v.keys[0].seal(b.app, "B", "b")
	bad.DataKey[10] ^= 1
	if _, err := b.store.PutSecrets(t.Context(), b.app, []store.SealedSecret{bad}, "x", now); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Rotate(t.Context(), true); err == nil || !strings.Contains(err.Error(), "the secret B of the app "+b.app) {
		t.Error(err)
	}
	b.want(b.open(), "A", "a")
	if _, err := v.Secret(t.Context(), b.app, "B"); !errors.Is(err, errDamaged) {
		t.Error(err)
	}
}
