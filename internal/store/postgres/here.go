package postgres

import (
	"context"

	"github.com/google/uuid"
)

// Here returns when the changes that other processes were told of before the call
// have been announced in this one. PostgreSQL delivers notifications in the order
// of their commits, so it is enough to wait for one of our own.
func (s *Store) Here(ctx context.Context) error {
	token := uuid.NewString()
	arrived := s.listener.expect(token, 1)
	defer s.listener.forget(token)
	if _, err := s.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, hereChannel, token); err != nil {
		return classify(err)
	}
	select {
	case <-arrived:
		return nil
	case <-s.listener.ended:
		return nil // closed: nobody is told of anything any more
	case <-ctx.Done():
		return ctx.Err()
	}
}

// arrival is the wait for notifications with one token.
type arrival struct {
	left int
	all  chan struct{} // closed when none is left
}

func (l *listener) expect(token string, times int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.here == nil {
		l.here = map[string]*arrival{}
	}
	a := &arrival{left: times, all: make(chan struct{})}
	l.here[token] = a
	return a.all
}

func (l *listener) forget(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.here, token)
}

// arrived counts a notification with a token; "" ends all waits.
func (l *listener) arrived(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, a := range l.here {
		if t != token && token != "" {
			continue
		}
		if a.left--; a.left <= 0 || token == "" {
			close(a.all)
			delete(l.here, t)
		}
	}
}
