package client

import (
	"context"
	"net/http"
)

type none = struct{}

// Page asks for a part of a listing. The zero value is the first page.
type Page struct {
	Limit int    // 1 to 500; 0: the server's choice
	After string // Next of the page before
}

func (p Page) limit() *int64  { return optional(int64(p.Limit)) }
func (p Page) after() *string { return optional(p.After) }

// optional returns nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Setup says whether the server waits for its first owner.
func (c *Client) Setup(ctx context.Context) (SetupState, error) {
	return call[SetupState](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetSetup(ctx) })
}

// CreateOwner makes the first owner with the token of the set-up link, and signs in.
func (c *Client) CreateOwner(ctx context.Context, token, username, password string) (SignedIn, error) {
	body := CreateOwner{Token: token, Username: username, Password: password, Client: CreateOwnerClientCli}
	return call[SignedIn](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.CreateOwner(ctx, body) })
}

// SignIn starts a session. Its token is in the answer; this Client goes on
// without it: make a new one WithToken.
func (c *Client) SignIn(ctx context.Context, username, password string) (SignedIn, error) {
	body := Credentials{Username: username, Password: password, Client: CredentialsClientCli}
	return call[SignedIn](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.SignIn(ctx, body) })
}

// SignOut ends the session on the server.
func (c *Client) SignOut(ctx context.Context) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.SignOut(ctx) })
	return err
}

// Whoami returns who is signed in.
func (c *Client) Whoami(ctx context.Context) (Whoami, error) {
	return call[Whoami](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.Whoami(ctx) })
}

// Version returns the server's version.
func (c *Client) Version(ctx context.Context) (ServerVersion, error) {
	return call[ServerVersion](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetVersion(ctx) })
}

// ListApps returns apps by slug.
func (c *Client) ListApps(ctx context.Context, p Page) (ListApp, error) {
	return call[ListApp](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListApps(ctx, &ListAppsParams{Limit: p.limit(), After: p.after()})
	})
}

// CreateApp makes an app.
func (c *Client) CreateApp(ctx context.Context, slug string) (AppDetail, error) {
	return call[AppDetail](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateApp(ctx, CreateApp{Slug: slug})
	})
}

// App returns an app with its settings.
func (c *Client) App(ctx context.Context, app string) (AppDetail, error) {
	return call[AppDetail](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetApp(ctx, app) })
}

// AppUsage returns how much an app has, and how much it may have.
func (c *Client) AppUsage(ctx context.Context, app string) (AppUsage, error) {
	return call[AppUsage](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetAppUsage(ctx, app) })
}

// UpdateApp renames an app or replaces its settings; nil fields stay.
func (c *Client) UpdateApp(ctx context.Context, app string, u UpdateApp) (AppDetail, error) {
	return call[AppDetail](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.UpdateApp(ctx, app, u) })
}

// DeleteApp removes an app; with force also if it holds scripts.
func (c *Client) DeleteApp(ctx context.Context, app string, force bool) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteApp(ctx, app, &DeleteAppParams{Force: optional(force)})
	})
	return err
}

// ListAllScripts returns the scripts of all apps by app and name.
func (c *Client) ListAllScripts(ctx context.Context, p Page) (ListScript, error) {
	return call[ListScript](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListAllScripts(ctx, &ListAllScriptsParams{Limit: p.limit(), After: p.after()})
	})
}

// ListScripts returns an app's scripts by name.
func (c *Client) ListScripts(ctx context.Context, app string, p Page) (ListScript, error) {
	return call[ListScript](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListScripts(ctx, app, &ListScriptsParams{Limit: p.limit(), After: p.after()})
	})
}

// DeployScript creates a script or adds a version to it, and reports which.
func (c *Client) DeployScript(ctx context.Context, app, script string, d DeployScript) (made Deployed, created bool, err error) {
	status, err := callStatus(ctx, &made, func(ctx context.Context) (*http.Response, error) {
		return c.api.DeployScript(ctx, app, script, d)
	})
	return made, status == http.StatusCreated, err
}

// UpdateScript replaces settings of a script; nil fields stay.
func (c *Client) UpdateScript(ctx context.Context, app, script string, u UpdateScript) (Script, error) {
	return call[Script](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.UpdateScript(ctx, app, script, u) })
}

// Script returns a script.
func (c *Client) Script(ctx context.Context, app, script string) (Script, error) {
	return call[Script](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetScript(ctx, app, script) })
}

// DeleteScript removes a script.
func (c *Client) DeleteScript(ctx context.Context, app, script string) error {
	_, err := call[none](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.DeleteScript(ctx, app, script) })
	return err
}

// ListVersions returns a script's versions, newest first.
func (c *Client) ListVersions(ctx context.Context, app, script string, p Page) (ListScriptVersion, error) {
	return call[ListScriptVersion](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListVersions(ctx, app, script, &ListVersionsParams{Limit: p.limit(), After: p.after()})
	})
}

// ScriptVersion returns one version with its source.
func (c *Client) ScriptVersion(ctx context.Context, app, script string, number int64) (ScriptVersionDetail, error) {
	return call[ScriptVersionDetail](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.GetVersionSource(ctx, app, script, number)
	})
}

// ActivateVersion makes a version of the script answer requests.
func (c *Client) ActivateVersion(ctx context.Context, app, script string, number int64) (Deployed, error) {
	return call[Deployed](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ActivateVersion(ctx, app, script, ActivateVersion{Version: number})
	})
}

// ListDeployments returns an app's deployments, newest first.
func (c *Client) ListDeployments(ctx context.Context, app string, p Page) (ListDeployment, error) {
	return call[ListDeployment](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListDeployments(ctx, app, &ListDeploymentsParams{Limit: p.limit(), After: p.after()})
	})
}

// Deployment returns one deployment with what it consists of.
func (c *Client) Deployment(ctx context.Context, app string, number int64) (DeploymentDetail, error) {
	return call[DeploymentDetail](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.GetDeployment(ctx, app, number)
	})
}

// ExecutionQuery selects executions. The zero value is the newest ones.
type ExecutionQuery struct {
	Script string // name; empty: all of the app
	Status ExecutionStatus
	Limit  int    // 1 to 500; 0: the server's choice
	Before string // only with a lower ID
	After  string // only with a higher ID
	Logs   bool   // with their log lines
}

// ListExecutions returns an app's executions, newest first. Next is the Before
// of the following page.
func (c *Client) ListExecutions(ctx context.Context, app string, q ExecutionQuery) (ExecutionPage, error) {
	return call[ExecutionPage](ctx, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListExecutions(ctx, app, &ListExecutionsParams{
			Script: optional(q.Script), Status: optional(ListExecutionsParamsStatus(q.Status)), Limit: optional(int64(q.Limit)),
			Before: optional(q.Before), After: optional(q.After), Logs: optional(q.Logs),
		})
	})
}

// Execution returns one execution with its log lines.
func (c *Client) Execution(ctx context.Context, id string) (Execution, error) {
	return call[Execution](ctx, func(ctx context.Context) (*http.Response, error) { return c.api.GetExecution(ctx, id) })
}
