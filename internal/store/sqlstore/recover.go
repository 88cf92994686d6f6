package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Start is a start of a process that leased messages.
type Start struct{ Owner, Boot string }

// RecoverAll does what Recover does for the starts of processes that dead returns,
// in one transaction with it. Each may have returned messages, too, and not told of it.
func (s *Store) RecoverAll(ctx context.Context, at time.Time, dead func(ctx context.Context, tx Conn) ([]Start, error)) (recovered int64, err error) {
	var list []Start
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		recovered = 0
		if list, err = dead(ctx, tx); err != nil {
			return err
		}
		for _, x := range list {
			n, err := recoverMessages(ctx, tx, `boot = $3`, x.Owner, at, x.Boot)
			if err != nil {
				return err
			}
			recovered += n
		}
		return nil
	})
	s.recovered(int64(len(list)), err)
	return recovered, err
}

// recoverMessages ends the leases of an owner's processes that a condition names,
// of which $3 is the argument.
func recoverMessages(ctx context.Context, tx Conn, which, owner string, at time.Time, boot string) (int64, error) {
	return tx.Exec(ctx, `UPDATE messages SET lease = '', owner = '', boot = '', due_at = $2, crashes = crashes + 1
		WHERE owner = $1 AND owner <> '' AND `+which, owner, micros(at), boot)
}

// recovered announces messages of any channel.
func (s *Store) recovered(n int64, err error) {
	if n > 0 && (err == nil || errors.Is(err, store.ErrUnknownOutcome)) {
		s.due(map[store.Channel]time.Time{{}: {}})
	}
}

// Recover is store.Queue's.
func (s *Store) Recover(ctx context.Context, owner, boot string, at time.Time) (recovered int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		recovered, err = recoverMessages(ctx, tx, `boot <> $3`, owner, at, boot)
		return err
	})
	s.recovered(recovered, err)
	return recovered, err
}
