use std::process::Stdio;

use super::plant::{Plant, command, run_in};

#[tokio::test]
async fn completions_and_manual_need_no_configuration() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run_in(home.path(), &["completions", shell], "").await.expect(0);
        assert!(ran.stdout.contains("nightdesk"), "{shell}");
    }
    let page = run_in(home.path(), &["man"], "").await.expect(0).stdout;
    assert!(page.contains(".TH nightdesk 1"), "{page}");
    // it names the commands' pages, and says how a reader gets them
    let see_also = page.split(".SH \"SEE ALSO\"").nth(1).unwrap();
    assert!(page.contains("alerts(1)") && see_also.contains("nightdesk man \\-\\-dir"), "{page}");
    let dir = home.path().join("man");
    run_in(home.path(), &["man", "--dir", dir.to_str().unwrap()], "").await.expect(0);
    assert!(dir.join("nightdesk-alerts-ack.1").is_file());
    assert!(!home.path().join("state").exists(), "nothing was left behind");
}

#[tokio::test]
async fn help_and_version_are_no_failures() {
    let home = tempfile::tempdir().unwrap();
    let help = run_in(home.path(), &["--help"], "").await.expect(0).stdout;
    assert!(help.contains("Exit codes:"), "{help}");
    let version = run_in(home.path(), &["--version"], "").await.expect(0).stdout;
    assert_eq!(version, format!("nightdesk {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_went_away_is_no_failure() {
    let plant = Plant::start().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let config = plant.path("config.toml");
    let output = command(
        &plant.path(""),
        &["--config", config.to_str().unwrap(), "devices", "list", "--json"],
    )
    .stdin(Stdio::null())
    .stdout(Stdio::from(writer))
    .stderr(Stdio::piped())
    .output()
    .await
    .unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
        (Some(0), "")
    );
}
