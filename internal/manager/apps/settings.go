package apps

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/outbound"
	"github.com/picloud/picloud/internal/store"
)

// CheckLimits refuses limits above the instance's, which would have no effect.
// location names the object in the request.
func CheckLimits(location string, l, instance store.Limits) error {
	for _, c := range []struct {
		field    string
		set, max int64
	}{
		{"operations", l.Operations, instance.Operations},
		{"wall_time_ms", l.WallTimeMS, instance.WallTimeMS},
		{"memory_bytes", l.MemoryBytes, instance.MemoryBytes},
		{"call_depth", l.CallDepth, instance.CallDepth},
		{"request_bytes", l.RequestBytes, instance.RequestBytes},
		{"response_bytes", l.ResponseBytes, instance.ResponseBytes},
		{"log_lines", l.LogLines, instance.LogLines},
		{"log_bytes", l.LogBytes, instance.LogBytes},
	} {
		if c.set < 0 {
			return api.Invalid(location+"."+c.field, "must not be negative", c.set)
		}
		if c.max > 0 && c.set > c.max {
			return api.Invalid(location+"."+c.field, fmt.Sprintf("is above the instance's %d: limits here can only be lower", c.max), c.set)
		}
	}
	return nil
}

// checkOutbound refuses malformed entries, and networks from who may not open them.
func (s *service) checkOutbound(ctx context.Context, u UpdateApp) error {
	check := func(field string, entries []string, f func(string) error) error {
		for i, e := range entries {
			if err := f(e); err != nil {
				return api.Invalid(fmt.Sprintf("body.%s[%d]", field, i), err.Error(), e)
			}
		}
		return nil
	}
	if u.Networks != nil {
		if err := s.api.Demand(api.Identity(ctx), auth.OpenNetworks); err != nil {
			return err
		}
		if err := check("networks.open", u.Networks.Open, outbound.CheckNetwork); err != nil {
			return err
		}
	}
	if u.Outbound == nil {
		return nil
	}
	return check("outbound.hosts", u.Outbound.Hosts, outbound.CheckHost)
}

func checkCORS(origins []string) error {
	for i, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || o != u.Scheme+"://"+u.Host || o != strings.ToLower(o) {
			return api.Invalid(fmt.Sprintf("body.cors.origins[%d]", i), "must be an origin in lower case such as https://example.com, without a path", o)
		}
	}
	return nil
}
