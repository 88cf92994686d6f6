package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/picloud/picloud/internal/store/migrate"
)

// magic begins every SQLite database file, https://sqlite.org/fileformat.html#magic_header_string.
const magic = "SQLite format 3\x00"

// Backup is store.Store's. It writes a SQLite database file.
func (s *Store) Backup(ctx context.Context, w io.Writer) error { return Backup(ctx, s.dir, w) }

// Backup writes a consistent copy of the database in dir to w, as a SQLite
// database file. It works beside a running picloud, without its lock, and holds
// nobody up. It needs as much free space in dir as the database takes.
func Backup(ctx context.Context, dir string, w io.Writer) (err error) {
	path := filepath.Join(dir, mainFile)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no database to back up: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	sweep(dir, ".backup-*")
	tmp, err := os.MkdirTemp(dir, ".backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	lock, err := lockDir(tmp)
	if err != nil {
		return err
	}
	defer lock.Close()
	copied := filepath.Join(tmp, mainFile)
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, copied); err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Restore makes the database of an empty or missing data directory from what
// Backup wrote. It refuses a directory that has a database, and a backup that is
// damaged or newer than this program; then the directory has no more data than
// before.
func Restore(ctx context.Context, dir string, r io.Reader) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	path := filepath.Join(dir, mainFile)
	// A journal left behind would be replayed onto the restored file.
	for _, name := range []string{path, path + "-wal", path + "-journal"} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s exists: restore into an empty directory, or move the file away first", name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	tmp, err := os.MkdirTemp(dir, ".restore-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	copied := filepath.Join(tmp, mainFile)
	if err := writeFile(copied, r); err != nil {
		return err
	}
	if err := checkBackup(ctx, copied); err != nil {
		return fmt.Errorf("the backup cannot be restored: %w", err)
	}
	if err := os.Rename(copied, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// sweep removes what backups and restores that were killed have left in dir:
// copies of the database that nobody would look for. One that is being made is
// locked, and stays.
func sweep(dir, pattern string) {
	left, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return // the pattern is malformed
	}
	for _, tmp := range left {
		lock, err := lockDir(tmp)
		if err != nil {
			continue
		}
		err = errors.Join(os.RemoveAll(tmp), lock.Close())
		if err != nil {
			slog.Warn("what a killed backup left cannot be removed", "directory", tmp, "error", err)
		}
	}
}

func writeFile(path string, r io.Reader) (err error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Equal(head, []byte(magic)) {
		return errors.New("the backup is not a SQLite database: was it made with another database?")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, in); err != nil {
		return err
	}
	return f.Sync()
}

// checkBackup reads the whole file once.
func checkBackup(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var id int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		return errors.New("it is a SQLite database, but not one of PiCloud's")
	}
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged: %s", verdict)
	}
	return migrate.Verify(ctx, db, migrate.SQLite, migrationsOf("main"))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
