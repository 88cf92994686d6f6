package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
	"github.com/picloud/picloud/internal/testdir"
)

// notes is a database with a table of one column.
func notes(t *testing.T) *database {
	t.Helper()
	files := fstest.MapFS{"00001_notes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT;\n")}}
	db, err := openDatabase(t.Context(), filepath.Join(testdir.New(t), "notes.db"), files, durable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func insert(text string) func(context.Context, sqlstore.Conn) error {
	return func(ctx context.Context, tx sqlstore.Conn) error {
		_, err := tx.Exec(ctx, `INSERT INTO notes (text) VALUES ($1)`, text)
		return err
	}
}

func (db *database) all(t *testing.T) (list []string) {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT text FROM notes ORDER BY text`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// hold lets calls pile up: it returns when the writer is busy with a call that
// goes on until release is called.
func hold(t *testing.T, db *database) (release func()) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	var once sync.Once // a call may run again
	go func() {
		if err := db.Write(context.Background(), func(context.Context, sqlstore.Conn) error {
			once.Do(func() { close(busy) })
			<-free
			return nil
		}); err != nil {
			t.Errorf("the holding call: %v", err)
		}
	}()
	<-busy
	return func() { close(free) }
}

// enqueue puts calls into the writer's queue, in order, and returns their
// results in order when they have been answered.
func enqueue(t *testing.T, db *database, calls ...func(context.Context, sqlstore.Conn) error) (results func() []error) {
	t.Helper()
	var list []*call
	for _, f := range calls {
		c := &call{ctx: t.Context(), f: f, done: make(chan struct{})}
		if err := db.writer.send(c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return func() (errs []error) {
		for _, c := range list {
			<-c.done
			errs = append(errs, c.err)
		}
		return errs
	}
}

func TestCallsThatWaitShareACommit(t *testing.T) {
	db := notes(t)
	release := hold(t, db)
	atLast, goOn := make(chan struct{}), make(chan struct{})
	results := enqueue(t, db, insert("a"), insert("b"), func(ctx context.Context, tx sqlstore.Conn) error {
		close(atLast)
		<-goOn
		return insert("c")(ctx, tx)
	})
	release()
	<-atLast
	if got := db.all(t); got != nil {
		t.Errorf("readers see %v before the commit", got)
	}
	close(goOn)
	for i, err := range results() {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if got, want := db.all(t), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("after it: %v, want %v", got, want)
	}
}

func TestAFailureUndoesItsOwnCallOnly(t *testing.T) {
	db := notes(t)
	release := hold(t, db)
	refused := errors.New("refused")
	results := enqueue(t, db,
		insert("a"),
		func(ctx context.Context, tx sqlstore.Conn) error {
			if err := insert("half")(ctx, tx); err != nil {
				return err
			}
			return refused
		},
		insert("a"), // again
		func(ctx context.Context, tx sqlstore.Conn) error {
			if err := insert("quarter")(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `no SQL`)
			return err
		},
		insert("b"))
	release()
	errs := results()
	if errs[0] != nil || errs[4] != nil {
		t.Errorf("the good calls: %v, %v", errs[0], errs[4])
	}
	if !errors.Is(errs[1], refused) || !errors.Is(errs[2], sqlstore.ErrUnique) || errs[3] == nil {
		t.Errorf("the bad calls: %v", errs[1:4])
	}
	if got, want := db.all(t), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAPanicReachesItsCallerOnly(t *testing.T) {
	db := notes(t)
	release := hold(t, db)
	results := enqueue(t, db, insert("a"))
	panicked := make(chan any)
	go func() {
		defer func() { panicked <- recover() }()
		_ = db.Write(context.Background(), func(ctx context.Context, tx sqlstore.Conn) error {
			_ = insert("half")(ctx, tx)
			panic("oh")
		})
	}()
	release()
	if got := <-panicked; got != "oh" {
		t.Errorf("the caller got %v", got)
	}
	if err := results()[0]; err != nil {
		t.Error(err)
	}
	if got, want := db.all(t), []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A full disk makes SQLite give up the whole transaction; the calls that fit
// must not suffer for the one that does not.
func TestAFullDiskFailsTheCallThatFillsIt(t *testing.T) {
	db := notes(t)
	if err := db.Write(t.Context(), func(ctx context.Context, tx sqlstore.Conn) error {
		rows, err := tx.Query(ctx, `PRAGMA max_page_count = 50`)
		if err != nil {
			return err
		}
		return rows.Close()
	}); err != nil {
		t.Fatal(err)
	}
	release := hold(t, db)
	results := enqueue(t, db, insert("a"), insert(string(make([]byte, 1<<20))), insert("b"))
	release()
	errs := results()
	if errs[0] != nil || errs[2] != nil || !errors.Is(errs[1], store.ErrUnavailable) {
		t.Errorf("got %v, want the second to be unavailable", errs)
	}
	if got, want := db.all(t), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestACallerThatGaveUpIsNotRun(t *testing.T) {
	db := notes(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- db.Write(ctx, insert("late")) }()
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if err := db.Write(t.Context(), insert("a")); err != nil {
		t.Fatal(err)
	}
	if got, want := db.all(t), []string{"a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPragmas(t *testing.T) {
	db := notes(t)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "auto_vacuum": "2", "foreign_keys": "1", "synchronous": "2",
	} {
		var got string
		err := db.Write(t.Context(), func(ctx context.Context, tx sqlstore.Conn) error {
			rows, err := tx.Query(ctx, `PRAGMA `+pragma)
			if err != nil {
				return err
			}
			rows.Next()
			return errors.Join(rows.Scan(&got), rows.Close())
		})
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
	if _, err := db.readers.ExecContext(t.Context(), `DELETE FROM notes`); err == nil {
		t.Error("a reader could write")
	}
}
