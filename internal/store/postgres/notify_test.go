package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

func TestUntoldIsBounded(t *testing.T) {
	now := time.Now()
	channel := func(i int) store.Channel {
		return store.Channel{AppID: "app", Kind: store.ChannelQueue, Name: fmt.Sprint(i)}
	}
	var u untold
	for i := range maxUntold {
		u.addDue(channel(i), now.Add(time.Hour))
	}
	u.addDue(channel(0), now)
	u.addDue(channel(0), now.Add(time.Minute))
	if len(u.due) != maxUntold || !u.due[channel(0)].Equal(now) || !u.due[channel(1)].Equal(now.Add(time.Hour)) {
		t.Fatalf("%d channels, the first due at %v", len(u.due), u.due[channel(0)])
	}
	u.addDue(channel(maxUntold), now)
	u.addDue(channel(maxUntold+1), now)
	if all, ok := u.due[store.Channel{}]; len(u.due) != 1 || !ok || !all.IsZero() {
		t.Errorf("one too many left %v", u.due)
	}
}
