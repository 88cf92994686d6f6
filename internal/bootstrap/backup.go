package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/picloud/picloud/internal/bootstrap/process"
	"github.com/picloud/picloud/internal/bootstrap/settings"
	"github.com/picloud/picloud/internal/store/postgres"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// Backup writes a consistent copy of the database to a new file, or to stdout
// for "-", beside a running PiCloud or without one. What is recorded of
// executions is not part of it.
func Backup(ctx context.Context, c *settings.Config, file string, stdout io.Writer) error {
	write := func(w io.Writer) error {
		if c.Database != "" {
			if err := postgres.Backup(ctx, c.Database, w); err != nil {
				return databaseError(c.Database, err)
			}
			return nil
		}
		dir, err := process.ExistingDataDir(c.DataDir)
		if err != nil {
			return err
		}
		return sqlite.Backup(ctx, dir, w)
	}
	if file == "-" {
		return write(stdout)
	}
	return writeNewFile(file, write)
}

// Restore fills an empty database from a backup file, or from stdin for "-".
func Restore(ctx context.Context, c *settings.Config, file string, stdin io.Reader) (err error) {
	r := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("the backup cannot be read: %w", err)
		}
		defer f.Close()
		r = f
	}
	if c.Database != "" {
		if err := postgres.Restore(ctx, c.Database, r); err != nil {
			return databaseError(c.Database, err)
		}
		return nil
	}
	return sqlite.Restore(ctx, c.DataDir, r)
}

// writeNewFile makes a file that is whole or not there: it is written under
// another name, synced, and then given its own. It replaces no file.
func writeNewFile(name string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s exists: choose another name, so that no backup is overwritten", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the backup cannot be written: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, fails if somebody made the file meanwhile.
	if err := os.Link(f.Name(), name); err != nil {
		return fmt.Errorf("the backup cannot be written: %w", err)
	}
	return os.Remove(f.Name())
}
