//! The long help texts of the Go program.
//!
//! Compat: they are part of what `--help` and `--help-man` print, and scripts read that; kept as they
//! are, mistakes included.

pub const PROGRAM: &str = r#"View and modify the current Alertmanager state.

Config File:
The alertmanager tool will read a config file in YAML format from one of two
default config locations depending on the operating system.

On non-Windows systems:
  $HOME/.config/amtool/config.yml or /etc/amtool/config.yml

On Windows systems:
  %APPDATA%\amtool\config.yml or %ProgramData%\amtool\config.yml

All flags can be given in the config file, but the following are the suited for
static configuration:

	alertmanager.url
		Set a default alertmanager url for each request

	author
		Set a default author value for new silences. If this argument is not
		specified then the username will be used

	require-comment
		Bool, whether to require a comment on silence creation. Defaults to true

	output
		Set a default output type. Options are (simple, extended, json)

	date.format
		Sets the output format for dates. Defaults to "2006-01-02 15:04:05 MST"

	http.config.file
		HTTP client configuration file for amtool to connect to Alertmanager.
		The format is https://prometheus.io/docs/alerting/latest/configuration/#http_config.
"#;

pub const FEATURES: &str = "Experimental features to enable, comma separated. Valid options: alert-names-in-metrics, receiver-name-in-metrics, group-key-in-metrics, classic-mode, utf8-strict-mode, auto-gomemlimit, event-recorder, muted-alerts-in-nflog";

/// How the arguments of a query choose alerts or silences.
macro_rules! query_arguments {
    ($command:literal, $items:literal) => {
        concat!(
            r#"
Amtool has a simplified prometheus query syntax, but contains robust support for
bash variable expansions. The non-option section of arguments constructs a list
of "Matcher Groups" that will be used to filter your query. The following
examples will attempt to show this behaviour in action:

amtool "#,
            $command,
            r#" alertname=foo node=bar

	This query will match all "#,
            $items,
            r#" with the alertname=foo and node=bar label
	value pairs set.

amtool "#,
            $command,
            r#" foo node=bar

	If alertname is omitted and the first argument does not contain a '=' or a
	'=~' then it will be assumed to be the value of the alertname pair.

amtool "#,
            $command,
            r#" 'alertname=~foo.*'

	As well as direct equality, regex matching is also supported. The '=~' syntax
	(similar to prometheus) is used to represent a regex match. Regex matching
	can be used in combination with a direct match.

"#,
        )
    };
}

pub const ALERT_QUERY: &str = concat!(
    "View and search through current alerts.\n",
    query_arguments!("alert query", "alerts"),
    r#"Amtool supports several flags for filtering the returned alerts by state
(inhibited, silenced, active, unprocessed). If none of these flags is given,
only active alerts are returned.
"#
);

pub const ALERT_ADD: &str = r"Add a new alert.

This command is used to add a new alert to Alertmanager.

To add a new alert with labels:

	amtool alert add alertname=foo node=bar

If alertname is omitted and the first argument does not contain a '=' then it will
be assumed to be the value of the alertname pair.

	amtool alert add foo node=bar

One or more annotations can be added using the --annotation flag:

	amtool alert add foo node=bar \
		--annotation=runbook='http://runbook.biz' \
		--annotation=summary='summary of the alert' \
		--annotation=description='description of the alert'

Additional flags such as --generator-url, --start, and --end are also supported.
";

pub const SILENCE_ADD: &str = r#"Add a new alertmanager silence

  Amtool uses a simplified Prometheus syntax to represent silences. The
  non-option section of arguments constructs a list of "Matcher Groups"
  that will be used to create a number of silences. The following examples
  will attempt to show this behaviour in action:

  amtool silence add alertname=foo node=bar

	This statement will add a silence that matches alerts with the
	alertname=foo and node=bar label value pairs set.

  amtool silence add foo node=bar

	If alertname is omitted and the first argument does not contain a '=' or a
	'=~' then it will be assumed to be the value of the alertname pair.

  amtool silence add 'alertname=~foo.*'

	As well as direct equality, regex matching is also supported. The '=~' syntax
	(similar to Prometheus) is used to represent a regex match. Regex matching
	can be used in combination with a direct match.
"#;

pub const SILENCE_IMPORT: &str = r"Import alertmanager silences from JSON file or stdin

This command can be used to bulk import silences from a JSON file
created by query command. For example:

amtool silence query -o json foo > foo.json

amtool silence import foo.json

JSON data can also come from stdin if no param is specified.
";

pub const SILENCE_QUERY: &str = concat!(
    "Query Alertmanager silences.\n",
    query_arguments!("silence query", "silences"),
    r#"In addition to filtering by silence labels, one can also query for silences
that are due to expire soon with the "--within" parameter. In the event that
you want to preemptively act upon expiring silences by either fixing them or
extending them. For example:

amtool silence query --within 8h

returns all the silences due to expire within the next 8 hours. This syntax can
also be combined with the label based filtering above for more flexibility.

The "--expired" parameter returns only expired silences. Used in combination
with "--within=TIME", amtool returns the silences that expired within the
preceding duration.

amtool silence query --within 2h --expired

returns all silences that expired within the preceding 2 hours.
"#
);

pub const CHECK_CONFIG: &str = r"Validate alertmanager config files

Will validate the syntax and schema for alertmanager config file
and associated templates. Non existing templates will not trigger
errors.
";

pub const CLUSTER: &str = "View cluster status and peers.";

pub const CONFIG: &str = r"View current config.

The amount of output is controlled by the output selection flag:
	- Simple: Print just the running config
	- Extended: Print the running config as well as uptime and all version info
	- Json: Print entire config object as json
";

pub const ROUTES: &str = r"Prints alert routing tree

Will print whole routing tree in form of ASCII tree view.

Routing is loaded from a local configuration file or a running Alertmanager configuration.
Specifying --config.file takes precedence over --alertmanager.url.

Example:

./amtool config routes [show] --config.file=doc/examples/simple.yml

";

pub const ROUTES_TEST: &str = r"Test alert routing

Will return receiver names which the alert with given labels resolves to.
If the labelset resolves to multiple receivers, they are printed out in order as defined in the routing tree.

Routing is loaded from a local configuration file or a running Alertmanager configuration.
Specifying --config.file takes precedence over --alertmanager.url.

Example:

./amtool config routes test --config.file=doc/examples/simple.yml --verify.receivers=team-DB-pager service=database

";

pub const VERIFY_RECEIVERS: &str = "Checks if specified receivers matches resolved receivers. The command fails if the labelset does not route to the specified receivers.";

pub const TEMPLATE_DATA: &str = "Full path to a file which contains the data of the alert(-s) with which the --template.text will be rendered. Must be in JSON. File must be formatted according to the following layout: https://pkg.go.dev/github.com/prometheus/alertmanager/template#Data. If none has been specified then a predefined, simple alert will be used for rendering.";
