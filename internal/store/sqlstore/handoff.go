package sqlstore

import (
	"context"
	"errors"
	"sync"

	"github.com/picloud/picloud/internal/store"
)

// handOff holds who is asked for offers.
type handOff struct {
	mu  sync.RWMutex
	ask func(c store.Channel, n int) *store.Offer
}

// HandOff is store.Queue's.
func (h *handOff) HandOff(f func(c store.Channel, n int) *store.Offer) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ask = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ask = nil
	}
}

// offers are those of one transaction, and what is leased under them.
type offers struct {
	ask  func(c store.Channel, n int) *store.Offer
	list map[store.Channel]*offer
}

type offer struct {
	*store.Offer
	given int // messages that it was given to, unless their channel is paused
	bytes int // of their payloads
	taken []store.Message
}

func (h *handOff) offers() *offers {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return &offers{ask: h.ask}
}

// again begins the transaction, perhaps once more; what was offered to it then it
// keeps.
func (o *offers) again() {
	for _, of := range o.list {
		if of != nil {
			of.given, of.bytes, of.taken = 0, 0, nil
		}
	}
}

// about asks about messages that are about to be added.
func (o *offers) about(list []store.Message) {
	if o.ask == nil {
		return
	}
	for c, n := range atOnce(list) {
		if _, asked := o.list[c]; asked {
			continue
		}
		if o.list == nil {
			o.list = map[store.Channel]*offer{}
		}
		o.list[c] = nil
		if got := o.ask(c, n); got != nil {
			o.list[c] = &offer{Offer: got}
		}
	}
}

// atOnce counts the messages that are due when they are added.
func atOnce(list []store.Message) map[store.Channel]int {
	var due map[store.Channel]int
	for i := range list {
		if m := &list[i]; !m.DueAt.After(m.CreatedAt) {
			if due == nil {
				due = map[store.Channel]int{}
			}
			due[m.Channel]++
		}
	}
	return due
}

// of gives an offer to a message, nil if there is none.
func (o *offers) of(m *store.Message) *offer {
	of := o.list[m.Channel]
	if of == nil || m.DueAt.After(m.CreatedAt) || of.given >= of.Max {
		return nil
	}
	if of.bytes += len(m.Payload); of.given > 0 && of.bytes > store.MaxClaimBytes {
		return nil
	}
	of.given++
	return of
}

// errAborted is what becomes of a transaction that panics.
var errAborted = errors.New("aborted")

// adding runs a transaction that may add messages, and tells whom it concerns of
// those that it added.
func (s *Store) adding(ctx context.Context, f func(ctx context.Context, tx Conn, o *offers) (added []store.Message, err error)) (added []store.Message, err error) {
	o := s.offers()
	defer o.settle(nil, errAborted)
	err = s.db.Write(ctx, func(ctx context.Context, tx Conn) (err error) {
		o.again()
		added, err = f(ctx, tx, o)
		return err
	})
	open := o.settle(added, err)
	if err == nil || errors.Is(err, store.ErrUnknownOutcome) {
		s.added(open)
	}
	return added, err
}

// settle says what became of the transaction, once, and returns which of the
// messages that were added nobody works on, as far as it is known.
func (o *offers) settle(added []store.Message, err error) (open []store.Message) {
	known := !errors.Is(err, store.ErrUnknownOutcome)
	leased := map[string]struct{}{}
	for _, of := range o.list {
		if of == nil {
			continue
		}
		if err != nil {
			of.taken = nil
		}
		for i := range of.taken {
			leased[of.taken[i].ID] = struct{}{}
		}
		of.Settle(of.taken, known)
	}
	o.list = nil
	if len(leased) == 0 {
		return added
	}
	for i := range added {
		if _, taken := leased[added[i].ID]; !taken {
			open = append(open, added[i])
		}
	}
	return open
}
