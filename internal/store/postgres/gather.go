package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// gatherTimeout bounds how long Gather waits: a process that has just died never
// answers.
const gatherTimeout = 3 * time.Second

// OnGather has f called when another process is about to read executions: f writes
// what this one has recorded and not written, and returns when that is done. Not to
// be called twice.
func (s *Store) OnGather(f func(ctx context.Context)) {
	s.listener.onGather.Store(&f)
}

// Gather has the orchestrators on the list of the cluster write the executions that
// they have recorded, and returns when all have done so, or some do not for a while.
func (s *Store) Gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return // the reading that follows says so
	}
	processes := 0
	for _, n := range nodes {
		if n.Kind == store.NodeOrchestrator {
			processes++
		}
	}
	if processes == 0 {
		return
	}
	token := uuid.NewString()
	arrived := s.listener.expect(token, processes)
	defer s.listener.forget(token)
	if _, err := s.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, gatherChannel, token); err != nil {
		return // the reading that follows says so
	}
	select {
	case <-arrived:
	case <-s.listener.ended:
	case <-ctx.Done():
	}
}

// gather does what Gather asks of this process.
func (l *listener) gather(token string) {
	f := l.onGather.Load()
	if f == nil {
		return
	}
	l.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), gatherTimeout)
		defer cancel()
		(*f)(ctx)
		// Who waits does so no longer than gatherTimeout.
		_, _ = l.pool.Exec(ctx, `SELECT pg_notify($1, $2)`, hereChannel, token)
	})
}
