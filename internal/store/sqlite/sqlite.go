// Package sqlite keeps PiCloud's records in SQLite files in a data directory:
// picloud.db, and executions.db, which may lose its last writes in a power cut
// and gives disk back.
//
// One process at a time owns a data directory (a lock on picloud.lock). All its
// writes go through one connection that commits those that wait together as one
// transaction; readers have connections of their own and never wait for it.
package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

// The files of a data directory.
const (
	mainFile       = "picloud.db"
	executionsFile = "executions.db"
	lockFile       = "picloud.lock"
)

//go:embed migrations
var migrations embed.FS

func migrationsOf(name string) fs.FS {
	dir, err := fs.Sub(migrations, "migrations/"+name)
	if err != nil {
		panic(err) // the name is a constant
	}
	return dir
}

// Store is a store.Store in a data directory.
type Store struct {
	*sqlstore.Store
	dir        string
	main       *database
	executions *Executions
	lock       *os.File

	close    sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in dir, which is created if it does not exist, and
// brings it to this program's schema. It fails when another process has it open.
func Open(ctx context.Context, dir string) (_ *Store, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made: %w", err)
	}
	s := &Store{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	sweep(dir, ".backup-*")
	sweep(dir, ".restore-*") // a restore holds the lock that is ours now
	if s.main, err = openDatabase(ctx, filepath.Join(dir, mainFile), migrationsOf("main"), durable); err != nil {
		return nil, err
	}
	if s.executions, err = openExecutions(ctx, dir); err != nil {
		return nil, err
	}
	s.Store = sqlstore.New(sqlstore.Config{DB: s.main, Relaxed: relaxed{s.main}, Dialect: dialect})
	return s, nil
}

// Executions returns the executions kept in the same directory. The store's
// Close closes them too.
func (s *Store) Executions() *Executions { return s.executions }

// Ping is store.Store's.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.main.readers.PingContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Close is store.Store's.
func (s *Store) Close() error {
	s.close.Do(func() {
		var errs []error
		if s.executions != nil {
			errs = append(errs, s.executions.Close())
		}
		if s.main != nil {
			errs = append(errs, s.main.close())
		}
		if s.lock != nil {
			errs = append(errs, s.lock.Close()) // which unlocks
		}
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
