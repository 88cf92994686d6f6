package auth

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// TooManyAttempts refuses a sign-in before its password is looked at.
type TooManyAttempts struct {
	RetryAfter time.Duration
}

func (e *TooManyAttempts) Error() string {
	return fmt.Sprintf("too many sign-in attempts: try again in %s", e.RetryAfter.Round(time.Second))
}

// rate allows burst attempts at once, and one more each refill.
type rate struct {
	burst  int
	refill time.Duration
}

// An attempt counts against all three. The one by account alone would let
// anybody lock its owner out, so it does not apply to addresses from which
// that account has signed in before.
var (
	ratePair    = rate{burst: 10, refill: time.Minute}
	rateAddress = rate{burst: 30, refill: 30 * time.Second}
	rateAccount = rate{burst: 60, refill: 20 * time.Second}
)

// maxTracked bounds each table: what an attacker can make us remember.
const maxTracked = 4096

// attempts limits failed sign-ins by account and address. Known and unknown
// accounts are treated alike.
type attempts struct {
	mu        sync.Mutex
	pairs     table
	addresses table
	accounts  table
	known     map[string]struct{} // account and address pairs that signed in
}

func newAttempts() *attempts {
	return &attempts{pairs: table{}, addresses: table{}, accounts: table{}, known: map[string]struct{}{}}
}

// take counts an attempt. The caller gives it back when the password was right.
func (a *attempts) take(account string, addr netip.Addr, now time.Time) error {
	account, address, pair := keys(account, addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	wait := max(a.pairs.wait(pair, ratePair, now), a.addresses.wait(address, rateAddress, now))
	_, known := a.known[pair]
	if !known {
		wait = max(wait, a.accounts.wait(account, rateAccount, now))
	}
	if wait > 0 {
		return &TooManyAttempts{RetryAfter: wait}
	}
	a.pairs.take(pair, ratePair, now)
	a.addresses.take(address, rateAddress, now)
	if !known {
		a.accounts.take(account, rateAccount, now)
	}
	return nil
}

// succeed gives back what take counted, and forgets the pair's failures.
func (a *attempts) succeed(account string, addr netip.Addr) {
	account, address, pair := keys(account, addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pairs, pair)
	a.addresses.giveBack(address, rateAddress)
	if _, known := a.known[pair]; !known {
		a.accounts.giveBack(account, rateAccount)
		if len(a.known) >= maxTracked {
			for k := range a.known {
				delete(a.known, k)
				break
			}
		}
		a.known[pair] = struct{}{}
	}
}

// cancel gives back an attempt whose password was never looked at.
func (a *attempts) cancel(account string, addr netip.Addr) {
	account, address, pair := keys(account, addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pairs.giveBack(pair, ratePair)
	a.addresses.giveBack(address, rateAddress)
	if _, known := a.known[pair]; !known {
		a.accounts.giveBack(account, rateAccount)
	}
}

// keys returns what an attempt is remembered under. Nobody can make a key long.
func keys(name string, addr netip.Addr) (account, address, pair string) {
	account, address = name[:min(len(name), 64)], Network(addr)
	return account, address, account + "\x00" + address
}

// Network is what one customer of a provider gets: an IPv4 address or a /64.
func Network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// table holds, per key, the time at which its allowance is whole again (the
// theoretical arrival time of the GCRA algorithm).
type table map[string]time.Time

func (t table) wait(key string, r rate, now time.Time) time.Duration {
	at := t[key]
	if at.Before(now) {
		return 0
	}
	return max(0, at.Sub(now)-time.Duration(r.burst-1)*r.refill)
}

func (t table) take(key string, r rate, now time.Time) {
	at, ok := t[key]
	if !ok && len(t) >= maxTracked {
		t.evict(now)
	}
	if at.Before(now) {
		at = now
	}
	t[key] = at.Add(r.refill)
}

func (t table) giveBack(key string, r rate) {
	if at, ok := t[key]; ok {
		t[key] = at.Add(-r.refill)
	}
}

// evict removes what is whole again, or else of a random few the one that is
// nearest to it: whoever failed most is remembered longest.
func (t table) evict(now time.Time) {
	var victim string
	var soonest time.Time
	n := 0
	for key, at := range t {
		if at.Before(now) {
			delete(t, key)
			victim = ""
			break
		}
		if victim == "" || at.Before(soonest) {
			victim, soonest = key, at
		}
		if n++; n == 64 {
			break
		}
	}
	if victim != "" {
		delete(t, victim)
	}
}
