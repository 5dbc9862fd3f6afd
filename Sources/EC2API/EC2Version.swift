public import Common

/// The dated versions of the EC2 instance metadata tree, as Amazon listed them up to 2012.
public enum EC2Version: String, SchemaVersion {
    case v1_0 = "1.0"
    case v2007_01_19 = "2007-01-19"
    case v2007_03_01 = "2007-03-01"
    case v2007_08_29 = "2007-08-29"
    case v2007_10_10 = "2007-10-10"
    case v2007_12_15 = "2007-12-15"
    case v2008_02_01 = "2008-02-01"
    case v2008_09_01 = "2008-09-01"
    case v2009_04_04 = "2009-04-04"
    case v2011_01_01 = "2011-01-01"
    case v2011_05_01 = "2011-05-01"
    case v2012_01_12 = "2012-01-12"
}
