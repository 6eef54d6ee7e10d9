//! A catalogue of one's own, as the real program checks it.

use anyhow::Result;
use cardea_testkit::Engine;
use serde_json::json;

use super::program::Installation;

#[tokio::test]
async fn all_that_is_wrong_with_a_catalogue_is_told_with_line_and_path() -> Result<()> {
    let place = Installation::new(Engine::Sqlite)?;
    place.write("catalogue.toml", "catalogue = \"mine.yaml\"\n")?;
    let mine =
        |roles: &str| format!("version: 1\nservices:\n  press:\n    scopes: {{print_page: {{}}}}\n    roles:\n{roles}");
    place.write("mine.yaml", &mine("      printer: {scopes: [prnt_*]}\n      boss: {inherits: prnter}\n"))?;
    let found = place.run(&["check", "--config", "catalogue.toml", "--json"]).await?.json()?;
    let catalogue: Vec<_> = found.as_array().into_iter().flatten().filter(|it| it["subject"] == "catalogue").collect();
    assert_eq!(
        json!(catalogue),
        json!([
            {"subject": "catalogue", "status": "problem", "fix": "did you mean `print_*`?",
             "detail": "mine.yaml:6:26: services.press.roles.printer.scopes[0]: is `prnt_*`, which is no scope of this service"},
            {"subject": "catalogue", "status": "problem", "fix": "did you mean `printer`?",
             "detail": "mine.yaml:7:24: services.press.roles.boss.inherits: is `prnter`, which is no role of this service"},
        ])
    );
    place.write("mine.yaml", &mine("      printer: {scopes: [print_*]}\n"))?;
    let found = place.run(&["check", "--config", "catalogue.toml", "--json"]).await?.good()?;
    assert!(found.out.contains("1 services; digest "), "{}", found.out);
    Ok(())
}
