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
	arrived := s.listener.expect(token)
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

func (l *listener) expect(token string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.here == nil {
		l.here = map[string]chan struct{}{}
	}
	c := make(chan struct{})
	l.here[token] = c
	return c
}

func (l *listener) forget(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.here, token)
}

// arrived ends the wait for a token; "" stands for all.
func (l *listener) arrived(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, c := range l.here {
		if t == token || token == "" {
			close(c)
			delete(l.here, t)
		}
	}
}
