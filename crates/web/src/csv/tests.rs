use super::*;

#[test]
fn no_cell_is_a_formula() {
    for hostile in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\u{ff1d}1"] {
        let cell = cell(hostile);
        assert!(cell.starts_with('\'') || cell.starts_with("\"'"), "{hostile:?} is {cell:?}");
    }
    assert_eq!(
        line(&["Ana Ruiz", "", "a,b", "say \"hi\"", "x\ny"]),
        "Ana Ruiz,,\"a,b\",\"say \"\"hi\"\"\",\"x\ny\"\r\n"
    );
}
