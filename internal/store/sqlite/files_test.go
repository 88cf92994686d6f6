package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
	"github.com/picloud/picloud/internal/store/storetest"
	"github.com/picloud/picloud/internal/testdir"
)

func wantError(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", wants)
	}
	for _, w := range wants {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q, want %q in it", err, w)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := testdir.New(t)
	s := open(t, dir)
	_, err := sqlite.Open(t.Context(), dir)
	wantError(t, err, dir, "in use by process "+strconv.Itoa(os.Getpid()), "choose another directory")
	err = sqlite.Restore(t.Context(), dir, strings.NewReader(""))
	wantError(t, err, "in use by process")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "odd ?name#%41&x=1", "deeper")
	s := open(t, dir)
	app := store.App{ID: "a", Slug: "demo"}
	if err := s.CreateApp(t.Context(), app, "x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, dir).AppBySlug(t.Context(), "demo"); err != nil || got.ID != "a" {
		t.Errorf("after reopening: %+v, %v", got, err)
	}
	for _, name := range []string{"picloud.db", "executions.db", "picloud.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o: others can read it", name, mode)
		}
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	dir := testdir.New(t)
	path := filepath.Join(dir, "picloud.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), dir)
	wantError(t, err, "picloud.db", "not a database")

	dir = testdir.New(t)
	db, err := sql.Open("sqlite", filepath.Join(dir, "picloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE recipes (name TEXT)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	_, err = sqlite.Open(t.Context(), dir)
	wantError(t, err, "picloud.db", "not one of PiCloud's")

	dir = testdir.New(t)
	if err := os.WriteFile(filepath.Join(dir, "executions.db"), []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), dir)
	wantError(t, err, "move executions.db away", "not a database")

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), file)
	wantError(t, err, "data directory")
}

func TestBackup(t *testing.T) {
	storetest.RunBackup(t,
		func(t *testing.T) store.Store { return open(t, testdir.New(t)) },
		func(t *testing.T, backup []byte) (store.Store, error) {
			dir := filepath.Join(testdir.New(t), "new")
			if err := sqlite.Restore(t.Context(), dir, bytes.NewReader(backup)); err != nil {
				if _, statErr := os.Stat(filepath.Join(dir, "picloud.db")); statErr == nil {
					t.Errorf("a refused backup (%v) left a database", err)
				}
				return nil, err
			}
			left, err := filepath.Glob(filepath.Join(dir, ".*-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			return open(t, dir), nil
		})
}

// A backup that was killed leaves a copy of the database, which the next start
// and the next backup remove; one that is under way stays.
func TestKilledBackupsAreSwept(t *testing.T) {
	dir := testdir.New(t)
	leave := func(name string) string {
		tmp := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(tmp, 0o700), os.WriteFile(filepath.Join(tmp, "picloud.db"), []byte("secret"), 0o600)); err != nil {
			t.Fatal(err)
		}
		return tmp
	}
	gone := func(tmp, when string) {
		t.Helper()
		if _, err := os.Stat(tmp); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, %s is still there (%v)", when, filepath.Base(tmp), err)
		}
	}
	backup, restore := leave(".backup-1"), leave(".restore-1")
	open(t, dir)
	gone(backup, "after a start")
	gone(restore, "after a start")

	backup = leave(".backup-2")
	live := &duringWrite{f: func() {
		var second bytes.Buffer
		if err := sqlite.Backup(t.Context(), dir, &second); err != nil {
			t.Errorf("a second backup: %v", err)
		}
		under, err := filepath.Glob(filepath.Join(dir, ".backup-*"))
		if err != nil || len(under) != 1 {
			t.Errorf("while one is under way there are %q (%v)", under, err)
		}
	}}
	if err := sqlite.Backup(t.Context(), dir, live); err != nil {
		t.Fatal(err)
	}
	gone(backup, "after a backup")
}

// duringWrite calls f once, at the first write.
type duringWrite struct{ f func() }

func (d *duringWrite) Write(p []byte) (int, error) {
	if f := d.f; f != nil {
		d.f = nil
		f()
	}
	return len(p), nil
}

// A backup test that left a table empty would not notice its loss.
func TestBackupTestFillsEveryTable(t *testing.T) {
	dir := testdir.New(t)
	s := open(t, dir)
	storetest.Fill(t, s)
	db, err := sql.Open("sqlite", filepath.Join(dir, "picloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM ` + name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Errorf("storetest.Fill leaves table %s empty", name)
		}
	}
}

func TestRestoreRefusesADatabase(t *testing.T) {
	dir := testdir.New(t)
	s := open(t, dir)
	var b bytes.Buffer
	if err := s.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, sqlite.Restore(t.Context(), dir, bytes.NewReader(b.Bytes())), filepath.Join(dir, "picloud.db")+" exists")
	wantError(t, sqlite.Backup(t.Context(), testdir.New(t), &b), "no database to back up")
}

func TestCrash(t *testing.T) {
	dir := ""
	if !storetest.IsCrashing() { // what that one made would stay
		dir = testdir.New(t)
	}
	storetest.Crash(t, dir, func(ctx context.Context, dir string) (store.Store, store.Executions, error) {
		s, err := sqlite.Open(ctx, dir)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Executions(), nil
	})
}
