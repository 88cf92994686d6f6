package postgres

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/picloud/picloud/internal/store"
)

// leadLockKey is the advisory lock of the process that leads.
const leadLockKey = migrationLockKey + 2

// Lead waits, on a connection of its own and without asking again and again, until
// no other process leads, and then does. It leads until release is called or lost
// is closed, which is when the connection ends: from then on another may lead.
//
// Both ends notice that the other's machine is gone: the keepalives set here allow
// eleven seconds, where the systems of both take them.
func (s *Store) Lead(ctx context.Context) (lost <-chan struct{}, release func(), err error) {
	config := s.pool.Config().ConnConfig
	config.RuntimeParams["application_name"] += " lead"
	// Session parameters, where the connection is a Unix socket of no effect.
	config.RuntimeParams["tcp_keepalives_idle"] = "5"
	config.RuntimeParams["tcp_keepalives_interval"] = "2"
	config.RuntimeParams["tcp_keepalives_count"] = "3"
	// Keepalives do not count while something is not acknowledged: the lock, given to a
	// machine that has just gone while it waited, would stay with it for a quarter of an hour.
	config.RuntimeParams["tcp_user_timeout"] = "10000"
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, leadLockKey); err != nil {
		closeConn(conn)
		return nil, nil, classify(err)
	}
	ended := make(chan struct{})
	listening, stop := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		for {
			// Nothing is listened for; what comes is the end.
			if _, err := conn.WaitForNotification(listening); err != nil {
				closeConn(conn)
				return
			}
		}
	}()
	return ended, func() {
		stop()
		<-ended
	}, nil
}
