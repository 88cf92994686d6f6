// Package postgres keeps PiCloud's records in a PostgreSQL database (14 or
// newer), the single source of truth of a cluster.
//
// Nothing in it polls: the pool's periodic check is off, and changes that other
// processes make arrive by LISTEN.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/migrate"
	"github.com/picloud/picloud/internal/store/sqlstore"
)

const minServerVersion = 14

//go:embed migrations
var migrations embed.FS

func migrationFiles() fs.FS {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return dir
}

// Store is a store.Store in a PostgreSQL database.
type Store struct {
	*sqlstore.Store
	pool       *pgxpool.Pool
	signs      *pgxpool.Pool // one connection, for signs of life: they wait for nobody who works
	executions *Executions
	notifier   *notifier
	listener   *listener

	close sync.Once
}

var _ store.Store = (*Store)(nil)

// Open connects to the database at url (postgres://…, with pgx's pool_max_conns
// and libpq's parameters), refuses one that would lose acknowledged writes, and
// brings it to this program's schema. Lost connections that it notices in the
// background are logged to log.
func Open(ctx context.Context, url string, log *slog.Logger) (*Store, error) {
	return open(ctx, url, log, migrateUp)
}

// ErrOutdated says that the database is not at this program's schema yet.
var ErrOutdated = errors.New("the database is not at this release's schema yet")

// OpenMigrated is Open for a program that leaves migrations to another: where some
// are missing it returns ErrOutdated.
func OpenMigrated(ctx context.Context, url string, log *slog.Logger) (*Store, error) {
	return open(ctx, url, log, func(ctx context.Context, pool *pgxpool.Pool) error {
		applied, err := appliedMigrations(ctx, pool)
		if err != nil {
			return classify(err)
		}
		version, err := migrate.Known(applied, migrationFiles())
		if err != nil {
			return err
		}
		all, err := migrate.List(migrationFiles())
		if err == nil && version < all[len(all)-1].Version {
			err = ErrOutdated
		}
		return err
	})
}

func open(ctx context.Context, url string, log *slog.Logger, prepare func(context.Context, *pgxpool.Pool) error) (_ *Store, err error) {
	cfg, err := parseConfig(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	if err := checkServer(ctx, pool); err != nil {
		return nil, err
	}
	if err := prepare(ctx, pool); err != nil {
		return nil, err
	}
	db := &database{pool: pool}
	one := cfg.Copy()
	one.MaxConns, one.MinConns, one.MinIdleConns, one.PingTimeout = 1, 0, 0, 2*time.Second // it connects when it is used
	one.ConnConfig.RuntimeParams["application_name"] += " signs"
	signs, err := pgxpool.NewWithConfig(ctx, one)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			signs.Close()
		}
	}()
	s := &Store{
		pool:       pool,
		signs:      signs,
		executions: &Executions{Executions: sqlstore.Executions{DB: db}, db: db},
		notifier:   newNotifier(pool, log),
	}
	s.executions.feed = newFeed(cfg.ConnConfig, s.executions, log)
	s.Store = sqlstore.New(sqlstore.Config{
		DB: db, Relaxed: relaxed{db}, Dialect: dialect,
		Tell: s.notifier.tell, TellDue: s.notifier.tellDue, WillTell: s.notifier.sign,
	})
	if s.listener, err = newListener(ctx, cfg.ConnConfig, s.notifier.origin, s.Store, pool, log); err != nil {
		s.notifier.close()
		return nil, err
	}
	// What is announced then may not be there yet: a slow server still commits.
	db.unknown = s.listener.lookLater
	// As it may what a process sent that was killed before this one started.
	s.listener.lookLater()
	// A process that was killed between a commit and its notification has told
	// nobody. Whoever starts makes up for it.
	s.notifier.tellDue(store.Channel{}, time.Time{})
	s.notifier.tell(store.Change{})
	return s, nil
}

// Executions returns the executions kept in the same database. The store's
// Close ends them too.
func (s *Store) Executions() *Executions { return s.executions }

// Ping is store.Store's.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Close is store.Store's.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.executions.feed.close()
		s.listener.close()
		s.notifier.close()
		s.signs.Close()
		s.pool.Close()
	})
	return nil
}

func parseConfig(url string) (*pgxpool.Config, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("the database URL must begin with postgres://")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	if !strings.Contains(url, "pool_max_conns=") {
		cfg.MaxConns = int32(max(8, 2*runtime.GOMAXPROCS(0)))
	}
	// Connections are looked at when they are used (an idle one is pinged first),
	// never by a timer.
	cfg.HealthCheckPeriod = math.MaxInt64
	cfg.MaxConnIdleTime = math.MaxInt64
	cfg.MaxConnLifetime = math.MaxInt64
	cfg.PingTimeout = 5 * time.Second
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if _, ok := cfg.ConnConfig.RuntimeParams["application_name"]; !ok {
		cfg.ConnConfig.RuntimeParams["application_name"] = "picloud"
	}
	// The kernel notices a peer that has vanished, also for a connection that
	// only listens.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}}
	cfg.ConnConfig.DialFunc = dialer.DialContext
	return cfg, nil
}

// checkServer refuses a server that is too old, or that acknowledges a commit
// before it is on disk.
func checkServer(ctx context.Context, pool *pgxpool.Pool) error {
	var version int
	var encoding, fsync, synchronous string
	err := pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),
		current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&version, &encoding, &fsync, &synchronous)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	case version < minServerVersion:
		return fmt.Errorf("the server is PostgreSQL %d: %d or newer is needed", version, minServerVersion)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: create it with ENCODING 'UTF8'", encoding)
	case fsync != "on":
		return errors.New("the server has fsync off and would lose acknowledged changes in a crash: set fsync = on")
	case synchronous == "off":
		return errors.New("synchronous_commit is off, which loses acknowledged changes in a crash: set it to on for this server, database or user")
	}
	return nil
}

func migrateUp(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	return migrate.Up(ctx, db, migrate.PostgreSQL, migrationFiles(), migrationLock{})
}

// quote makes an SQL identifier of a name.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
